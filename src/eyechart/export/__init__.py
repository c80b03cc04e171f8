"""A trained run for other programs: files of several formats, each checked against torch, each with its card.

formats        what there is, and the files that each of them writes
answering      a run's network with its temperature: what every file computes
agreement      a file and torch, asked about the same pictures
onnx_format    ONNX                     int8      the same with weights and values of 8 bits, and what that costs
torch_formats  TorchScript, safetensors, state dict
results        what the study's files say of the run    model_card   all of that as Markdown
exporting      from a run's folder to the files
"""
