from typing import Any

# cffi's own objects: what they hold is checked by the C compiler, not here.
ffi: Any
lib: Any
