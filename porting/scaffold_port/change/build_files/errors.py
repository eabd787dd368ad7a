"""What may go wrong."""


class NotUnderstood(Exception):
    """A build file in which there is no safe place; the text says what a human has to do."""
