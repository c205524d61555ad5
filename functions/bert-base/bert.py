"""A text encoder of the size of BERT-base (Devlin et al., 2019, section 3): 109 million weights."""

import torch
from torch import nn
from torch.nn.functional import embedding, gelu, scaled_dot_product_attention

VOCABULARY, POSITIONS, WIDTH, HEADS, LAYERS = 30522, 512, 768, 12, 12


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH)
        self.mix = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.widen = nn.Linear(WIDTH, 4 * WIDTH)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH)
        self.output_norm = nn.LayerNorm(WIDTH)

    def forward(self, states):
        states = self.attention_norm(states + self.mix(self.attend(states)))
        return self.output_norm(states + self.narrow(gelu(self.widen(states))))

    def attend(self, states):
        heads = self.queries_keys_values(states).unflatten(-1, (3, HEADS, WIDTH // HEADS))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        return scaled_dot_product_attention(queries, keys, values).transpose(1, 2).flatten(2)


class Bert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.empty(VOCABULARY, WIDTH))
        self.positions = nn.Parameter(torch.empty(POSITIONS, WIDTH))
        self.norm = nn.LayerNorm(WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))

    def forward(self, tokens):
        """Map (batch, length) token numbers to (batch, WIDTH), the mean of the last states."""
        states = embedding(tokens, self.words) + self.positions[: tokens.shape[1]]
        return self.layers(self.norm(states)).mean(dim=1)


def random_bert() -> Bert:
    """Draw the tables apart from ``__init__``: on the meta device drawing imports a compiler."""
    bert = Bert()
    nn.init.normal_(bert.words, std=0.02)
    nn.init.normal_(bert.positions, std=0.02)
    return bert
