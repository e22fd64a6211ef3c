"""A Lambda function that reads its key through the extension, frozen between two invocations."""
