"""The types of secretsource.integrations.pymongo, as type checkers see them. Never run."""

from __future__ import annotations

from typing import Any, assert_type

from pymongo import MongoClient

from secretsource.integrations.pymongo import SecretMongoClient

mongo = SecretMongoClient("mongodb://h", password="mongo/password", username="shop", appname="shop")
assert_type(mongo.client(), MongoClient[Any])
assert_type(mongo.run(lambda client: client.shop.orders.count_documents({})), int)
mongo.close()
with SecretMongoClient(["a", "b"], password="mongo/password", user="mongo/user", drain=1) as other:
    assert_type(other, SecretMongoClient)

SecretMongoClient("mongodb://h", username="shop")  # type: ignore[call-arg]
