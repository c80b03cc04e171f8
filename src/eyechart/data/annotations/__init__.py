"""Pictures with boxes, as other people annotate them: COCO, Pascal VOC, YOLO, CSV; found by looking, checked on entry.

found     what every format is read into, and the checks that all of them share
coco      one json for each part
voc       one xml for each picture
yolo      one txt for each picture, and data.yaml
tables    one csv for each picture, or one for all
"""
