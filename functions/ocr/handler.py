"""Reads the text in a picture: finds the lines, then recognises each (PP-OCRv4)."""

import base64

import headstart
import numpy as np
from rapidocr_onnxruntime import RapidOCR


def load():
    return RapidOCR(
        det_model_path=headstart.file("detector"),
        cls_model_path=headstart.file("orientation"),
        rec_model_path=headstart.file("recognizer"),
        det_limit_type="max",
        det_limit_side_len=960,
        intra_op_num_threads=1,
    )


def predict(ocr, request):
    picture = base64.b64decode(request.inputs["image"].as_bytes()[0])
    lines, _ = ocr(picture)
    boxes, texts, scores = zip(*lines, strict=True) if lines else ((), (), ())
    return {
        "text": np.array(texts, object),
        "score": np.array(scores, np.float32),
        "box": np.array(boxes, np.float32).reshape(-1, 4, 2),
    }
