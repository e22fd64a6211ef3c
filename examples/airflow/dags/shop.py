"""An ordinary DAG: nothing in it knows of secretsource."""

from airflow.sdk import BaseHook, Variable, dag, task


@task
def count_orders() -> str:
    connection = BaseHook.get_connection("shop_db")
    return (
        f"{connection.conn_type} at {connection.host} as {connection.login}, in {Variable.get('shop_region')}"
    )


@dag
def shop():
    count_orders()


shop()
