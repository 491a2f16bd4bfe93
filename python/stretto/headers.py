"""Where the C headers are."""

from __future__ import annotations

import os


def get_include() -> str:
    """Return the folder to compile C and Cython code against.

    It holds ``stretto/capi.h``, as :func:`numpy.get_include` has NumPy's headers; ``docs/c_and_cython.md`` shows both
    languages.

    Returns
    -------
    str
        For ``include_dirs`` of an extension module, or ``-I``.

    Examples
    --------
    >>> import os
    >>> import stretto as st
    >>> os.listdir(os.path.join(st.get_include(), "stretto"))
    ['capi.h']
    """
    return os.path.join(os.path.dirname(__file__), "include")
