"""Fields of forms that several apps use."""

from decimal import Decimal
from typing import Any

from django import forms


class ShortDecimalField(forms.DecimalField):
    """A number as a person would write it: the zeros that a column of six decimals adds are not shown.

    They would be refused when the form comes back, where it takes fewer decimals.
    """

    def prepare_value(self, value: Any) -> Any:
        """Give what the input shows."""
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value
