"""Programs that show the library at work; each is run by the tests."""
