"""What eyechart is measured against, as its users write it; the code is ours, made from the descriptions.

mnist_files           MNIST where torchvision looks for it
mnist_example         the well-known PyTorch example: DataLoader, PIL, 1.2 million parameters
tutorial_vit          the tutorial "Vision Transformers from Scratch", with its loops over images
whole_networks        torchvision's VGG16 and AlexNet at 224 px, trained whole
torchvision_detectors torchvision's FasterRCNN of our detector's shape, and its ready-made small one
"""
