"""The interface for Python and notebooks: studies, their results, previews and advice on collecting rows."""
