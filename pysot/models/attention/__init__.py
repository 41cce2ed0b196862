"""Networks that say where in a whole frame a target may be, and the discriminators that train them."""

from pysot.models.attention.base import ATTENTION_NETS, AttentionInput, AttentionNet
from pysot.models.attention.compact import CompactAttention
from pysot.models.attention.discriminators import APPEARANCE_DISCRIMINATORS, MOTION_DISCRIMINATORS
from pysot.models.attention.generator import TANet

__all__ = [
    "APPEARANCE_DISCRIMINATORS",
    "ATTENTION_NETS",
    "MOTION_DISCRIMINATORS",
    "AttentionInput",
    "AttentionNet",
    "CompactAttention",
    "TANet",
]
