"""The same with unittest."""

from unittest import TestCase

from examples.testing.mailer import Mailer
from examples.testing.test_mailer import Service
from secretsource.testing import override


@override({"pepipost/api_key": "the-key"})
class Mails(TestCase):
    def setUp(self):
        self.mailer = Mailer(Service("the-key"))

    def test_a_mail_is_sent(self):
        self.assertEqual("sent: Hello", self.mailer.send("Hello"))  # noqa: PT009 - as unittest has it
