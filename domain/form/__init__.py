"""Forms: thinking tools that a person or an agent fills in. A form is an artifact; its template says what it asks."""

from domain.form.fields import MAX_FIELDS, MAX_ITEM, MAX_ROWS, MAX_TEXT, RATING, Column, FormField, value_of
from domain.form.template import Form, FormTemplate

__all__ = [
    "MAX_FIELDS",
    "MAX_ITEM",
    "MAX_ROWS",
    "MAX_TEXT",
    "RATING",
    "Column",
    "Form",
    "FormField",
    "FormTemplate",
    "value_of",
]
