"""The application: it survives a rotation of its key, and signs on anew when the key has changed."""

from secretsource import attempts, on_rotation


class RefusedError(Exception):
    """What the client of the mail service raises for a key that is wrong."""


class Mailer:
    def __init__(self, service):
        self.service = service
        self.rotations = 0
        on_rotation("pepipost/api_key", self.count)

    def count(self, _old, _new):
        self.rotations += 1

    def send(self, text):
        for attempt in attempts("pepipost/api_key", on=RefusedError):
            with attempt as key:
                said = self.service.send(key, text)
        return said
