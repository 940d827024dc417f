"""azure-keyvault-secrets: values, versions, properties, backups and recovery."""
from clients import *


def values():
    first = secrets.set_secret("s", "one", content_type="text/plain", tags={"a": "b"})
    second = secrets.set_secret("s", "zwei \u2713")
    assert first.properties.version != second.properties.version
    assert secrets.get_secret("s").value == "zwei \u2713"
    assert secrets.get_secret("s", first.properties.version).value == "one"
    assert {each.version for each in secrets.list_properties_of_secret_versions("s")} == {first.properties.version, second.properties.version}
    updated = secrets.update_secret_properties("s", first.properties.version, content_type="text/html", enabled=False)
    assert updated.content_type == "text/html" and updated.enabled is False
    refused("SecretDisabled", secrets.get_secret, "s", first.properties.version)
    refused("BadParameter", secrets.set_secret, "big", "x" * 25_601)
    assert secrets.set_secret("big", "x" * 25_600).value == "x" * 25_600
    refused("SecretNotFound", secrets.get_secret, "nothing")


def pages():
    for index in range(30):
        secrets.set_secret(f"page-{index}", str(index))
    found = [each.name for each in secrets.list_properties_of_secrets(max_page_size=7)]
    assert len(found) == len(set(found)) and {f"page-{index}" for index in range(30)} <= set(found), found


def recovery():
    version = secrets.set_secret("going", "precious").properties.version
    blob = secrets.backup_secret("going")
    assert b"precious" not in blob
    deleted = secrets.begin_delete_secret("going").result()
    assert deleted.recovery_id and deleted.scheduled_purge_date
    refused("SecretNotFound", secrets.get_secret, "going")
    refused("ObjectIsDeletedButRecoverable", secrets.set_secret, "going", "other")
    assert "going" in [each.name for each in secrets.list_deleted_secrets()]
    assert secrets.get_deleted_secret("going").name == "going"
    secrets.begin_recover_deleted_secret("going").wait()
    assert secrets.get_secret("going", version).value == "precious"
    secrets.begin_delete_secret("going").wait()
    secrets.purge_deleted_secret("going")
    refused("SecretNotFound", secrets.get_deleted_secret, "going")
    secrets.restore_secret_backup(blob)
    assert secrets.get_secret("going", version).value == "precious"


run({"values": values, "pages": pages, "recovery": recovery})
