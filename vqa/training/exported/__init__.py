"""Trained models as modules that can be exported: `vqa.commands.exporting` writes them."""
