"""The numbers each protocol reports: their keys, table titles and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One column of a table."""

    key: str
    title: str
    decimals: int = 3
    higher_is_better: bool = True


METRICS: Mapping[str, tuple[Metric, ...]] = {
    "ope": (
        Metric("success", "Success"),
        Metric("norm_precision", "Norm Precision"),
        Metric("precision", "Precision"),
        Metric("norm_precision_auc", "Norm Prec. AUC"),
        Metric("op50", "OP50"),
        Metric("op75", "OP75"),
    ),
    "supervised": (
        Metric("accuracy", "Accuracy"),
        Metric("robustness", "Robustness", higher_is_better=False),
        Metric("lost_number", "Lost Number", decimals=1, higher_is_better=False),
        Metric("eao", "EAO"),
    ),
    "longterm": (Metric("precision", "Precision"), Metric("recall", "Recall"), Metric("f1", "F1")),
    "got10k": (Metric("ao", "AO"), Metric("sr50", "SR0.50"), Metric("sr75", "SR0.75")),
    "trackingnet": (
        Metric("success", "Success"),
        Metric("norm_precision", "Norm Precision"),
        Metric("precision", "Precision"),
        Metric("precision_auc", "Precision AUC"),
    ),
    "multistart": (Metric("accuracy", "Accuracy"), Metric("robustness", "Robustness"), Metric("eao", "EAO")),
}
"""Columns by protocol, in the order of the table."""

HEADLINE: Mapping[str, str] = {
    "ope": "success",
    "supervised": "eao",
    "longterm": "f1",
    "got10k": "ao",
    "trackingnet": "success",
    "multistart": "eao",
}
"""The number a protocol ranks by; higher is better for all of them."""
