"""``python -m stretto bench``: our kernels beside other libraries and beside what the machine can do.

``cases`` holds the published shapes, ``truth`` what is right, ``roofline`` what the machine reaches, ``peers`` the
libraries, ``run`` the turns that they take and ``report`` what is said of it. Nothing here is imported by ``import
stretto``.
"""
