"""The operations: primitives with their gradient rules, and the public functions that call them.

Start with `conv.py`. `operands.py` promotes and broadcasts the operands of element-wise functions, `fuse.py` makes one
pass of many steps, and `methods.py` attaches the operations to Tensor as methods.
"""

__all__: list[str] = []
