"""`vqa export`: trained models as ONNX files and torch programs that run without this package."""
