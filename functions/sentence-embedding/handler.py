"""Embeds sentences so that a dot product tells how near they are in meaning (MiniLM)."""

from pathlib import Path

import headstart
import torch
from torch.nn.functional import normalize
from transformers import BertModel, BertTokenizer
from transformers.utils import logging

logging.disable_progress_bar()


def load():
    folder = Path(headstart.file("weights")).parent
    return BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder)


@torch.inference_mode()
def predict(model, request):
    tokenizer, encoder = model
    tokens = tokenizer(
        request.inputs["text"].data, padding=True, truncation=True, return_tensors="pt"
    )
    states = encoder(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    mean = (states * mask).sum(dim=1) / mask.sum(dim=1)
    return {"embedding": normalize(mean)}
