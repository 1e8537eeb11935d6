"""Switches of PyTorch that programs set, such as ``backends.cudnn.benchmark = True``. They have no effect here."""

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled"]

benchmark = False
deterministic = False
enabled = True
allow_tf32 = True
