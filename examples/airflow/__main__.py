"""What a task of Airflow 3 finds with the backend; no scheduler and no database is needed.

pip install -r examples/airflow/requirements.txt
python -m examples.airflow
"""

import importlib.util
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

BACKEND = "secretsource.integrations.airflow.SecretSourceBackend"


def main() -> None:
    if importlib.util.find_spec("airflow") is None:
        print("skipped: Airflow is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="airflow-") as home:
        configure(Path(home))
        walk(secrets.token_hex(8))


def configure(home: Path) -> None:
    """Do what ``airflow.cfg`` and ``secretsource.toml`` do in production."""
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        AIRFLOW__SECRETS__BACKEND=BACKEND,
        AIRFLOW__SECRETS__BACKEND_KWARGS=json.dumps(
            {"chain": ["env", "files"], "resolvers": {"files": {"path": str(home)}}}
        ),
    )


def walk(password: str) -> None:
    os.environ["AIRFLOW_CONNECTIONS_SHOP_DB"] = f"postgres://ann:{password}@db.example.com:5432/shop"
    os.environ["AIRFLOW_VARIABLES_SHOP_REGION"] = "eu-central-1"

    sys.path.insert(0, str(Path(__file__).with_name("dags")))
    import shop
    from airflow.sdk import BaseHook, Variable

    print("the task found:", shop.count_orders.function())
    assert BaseHook.get_connection("shop_db").password == password

    os.environ["AIRFLOW_VAR_OTHER"] = "of Airflow's next backend"
    assert Variable.get("other") == "of Airflow's next backend"
    print("what is not there came from Airflow's next backend")

    os.environ["AIRFLOW_CONNECTIONS_BROKEN"] = password
    os.environ["AIRFLOW_CONN_BROKEN"] = "postgres://forgotten.example.com"
    try:
        BaseHook.get_connection("broken")
    except PermissionError as stopped:
        print("what is no connection stopped the task:", stopped)
        print("done")


if __name__ == "__main__":
    main()
