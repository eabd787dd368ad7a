"""What may go wrong."""


class NotAvailable(Exception):
    """The source cannot be had; the text says of what, and what was tried."""
