"""Sorts a picture into 1000 classes with ResNet-50. The weights are random.

A program as it would be without Headstart, but for the two lines that load the model and wait.
"""

import headstart
import torch
from resnet import ResNet50
from safetensors.torch import load_file
from torch.nn.functional import interpolate


def make_model():
    with torch.device("meta"):
        resnet = ResNet50()
    resnet.load_state_dict(load_file(headstart.file("weights")), assign=True)
    return resnet.eval()


@torch.inference_mode()
def classify(model, image):
    """Return the five likeliest classes of a (height, width, 3) image, and how likely they are."""
    pixels = torch.tensor(image).permute(2, 0, 1)[None] / 127.5 - 1
    pixels = interpolate(pixels, size=(224, 224), mode="bilinear")
    return model(pixels)[0].softmax(dim=0).topk(5)


model = headstart.load(make_model)
while True:
    request = headstart.wait()
    scores, classes = classify(model, request.inputs["image"].numpy())
    headstart.answer({"class": classes, "score": scores})
