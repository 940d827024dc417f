"""Virtual networks, security groups, public IP addresses and network interfaces, by the real az."""
import ipaddress

from stage import *

GROUP = "net"
NETWORK = "/resourceGroups/net/providers/Microsoft.Network"


def set_up(stage):
    stage.start_server()
    stage.login()
    stage.make_group(GROUP)


def names(resources):
    return sorted(resource["name"] for resource in resources)


def test_a_virtual_network_and_its_subnets(stage):
    made = stage.az_json(f"network vnet create -g {GROUP} -n v1 --address-prefixes 10.1.0.0/16 --subnet-name s1")["newVNet"]
    expect_equal(made["subnets"][0]["addressPrefix"], "10.1.0.0/24", "subnet that az made up")
    subnet = stage.az_json(f"network vnet subnet create -g {GROUP} --vnet-name v1 -n s2 --address-prefixes 10.1.1.0/24")
    expect_equal(subnet["provisioningState"], "Succeeded", "state")
    expect_equal(names(stage.az_json(f"network vnet subnet list -g {GROUP} --vnet-name v1")), ["s1", "s2"], "subnets")
    stage.az_refused(
        f"network vnet subnet create -g {GROUP} --vnet-name v1 -n s3 --address-prefixes 10.1.1.128/25", code="NetcfgSubnetRangesOverlap")
    stage.az_refused(
        f"network vnet subnet create -g {GROUP} --vnet-name v1 -n s3 --address-prefixes 10.2.0.0/24", code="NetcfgInvalidSubnet")
    updated = stage.az_json(f"network vnet update -g {GROUP} -n v1 --address-prefixes 10.1.0.0/16 10.2.0.0/16 --set tags.a=b")
    expect_equal((updated["tags"], names(updated["subnets"])), ({"a": "b"}, ["s1", "s2"]), "network after its update")
    stage.az_json(f"network vnet subnet update -g {GROUP} --vnet-name v1 -n s2 --address-prefixes 10.2.0.0/24")
    expect_equal(names(stage.az_json(f"network vnet list -g {GROUP}")), ["v1"], "networks")
    expect_equal(names(stage.az_json("network vnet list")), ["v1"], "networks of the subscription")


def test_a_security_group_and_its_rules(stage):
    made = stage.az_json(f"network nsg create -g {GROUP} -n g1")["NewNSG"]
    expect_equal(len(made["defaultSecurityRules"]), 6, "default rules")
    rule = f"network nsg rule create -g {GROUP} --nsg-name g1"
    stage.az_json(f"{rule} -n ssh --priority 1000 --destination-port-ranges 22 --access Allow --protocol Tcp")
    web = stage.az_json(f"{rule} -n web --priority 1010 --destination-port-ranges 80 8000-8010 --source-address-prefixes Internet")
    expect_equal(web["destinationPortRanges"], ["80", "8000-8010"], "ports")
    stage.az_refused(f"{rule} -n two --priority 1000 --destination-port-ranges 443", code="SecurityRuleConflict")
    stage.az_refused(f"{rule} -n two --priority 5000 --destination-port-ranges 443", code="SecurityRuleInvalidPriority")
    changed = stage.az_json(f"network nsg rule update -g {GROUP} --nsg-name g1 -n web --priority 1020 --access Deny")
    expect_equal((changed["priority"], changed["access"]), (1020, "Deny"), "rule after its update")
    expect_equal(names(stage.az_json(f"network nsg rule list -g {GROUP} --nsg-name g1")), ["ssh", "web"], "rules")
    stage.az(f"network nsg rule delete -g {GROUP} --nsg-name g1 -n web")
    expect_equal(names(stage.az_json(f"network nsg show -g {GROUP} -n g1")["securityRules"]), ["ssh"], "rules that are left")
    stage.az_json(f"network nsg update -g {GROUP} -n g1 --set tags.a=b")
    subnet = stage.az_json(f"network vnet subnet update -g {GROUP} --vnet-name v1 -n s1 --network-security-group g1")
    expect(subnet["networkSecurityGroup"]["id"].endswith("/networkSecurityGroups/g1"), "the subnet has the group")
    stage.az_refused(f"network nsg delete -g {GROUP} -n g1", code="InUseNetworkSecurityGroupCannotBeDeleted")


def test_public_addresses_are_of_this_hosts_loopback_network(stage):
    made = stage.az_json(f"network public-ip create -g {GROUP} -n p1 --sku Standard --dns-name web-1")["publicIp"]
    stage.kept["address"] = made["ipAddress"]
    expect(ipaddress.ip_address(made["ipAddress"]) in ipaddress.ip_network("127.42.0.0/16"), f"address {made['ipAddress']}")
    expect_equal(made["dnsSettings"]["fqdn"], "web-1.uksouth.cloudapp.localhost", "name")
    # What Linux answers without being told: each address of the loopback network is this host.
    with socket.create_server((made["ipAddress"], 0)) as listener:
        socket.create_connection(listener.getsockname(), 5).close()
    updated = stage.az_json(f"network public-ip update -g {GROUP} -n p1 --idle-timeout 10 --set tags.a=b")
    expect_equal((updated["ipAddress"], updated["idleTimeoutInMinutes"]), (made["ipAddress"], 10), "address after its update")
    expect_equal(names(stage.az_json(f"network public-ip list -g {GROUP}")), ["p1"], "addresses")


def test_a_network_interface_joins_them(stage):
    made = stage.az_json(
        f"network nic create -g {GROUP} -n n1 --vnet-name v1 --subnet s1 --network-security-group g1 --public-ip-address p1")["NewNIC"]
    configuration = made["ipConfigurations"][0]
    expect_equal(configuration["privateIPAddress"], "10.1.0.4", "private address")
    expect(made["macAddress"].startswith("00-0D-3A-"), f"MAC address {made['macAddress']}")
    address = stage.az_json(f"network public-ip show -g {GROUP} -n p1")
    expect_equal(address["ipConfiguration"]["id"], configuration["id"], "user of the public address")
    changed = stage.az_json(f"network nic ip-config update -g {GROUP} --nic-name n1 -n {configuration['name']} --private-ip-address 10.1.0.77")
    expect_equal((changed["privateIPAddress"], changed["privateIPAllocationMethod"]), ("10.1.0.77", "Static"), "address that was asked for")
    stage.az_json(f"network nic ip-config create -g {GROUP} --nic-name n1 -n second")
    expect_equal(len(stage.az_json(f"network nic ip-config list -g {GROUP} --nic-name n1")), 2, "configurations")
    stage.az(f"network nic ip-config delete -g {GROUP} --nic-name n1 -n second")
    updated = stage.az_json(f"network nic update -g {GROUP} -n n1 --set tags.a=b")
    expect_equal((updated["tags"], updated["macAddress"]), ({"a": "b"}, made["macAddress"]), "interface after its update")
    expect_equal(names(stage.az_json(f"network nic list -g {GROUP}")), ["n1"], "interfaces")
    stage.az_refused(
        f"network nic create -g {GROUP} -n n2 --vnet-name v1 --subnet s1 --private-ip-address 10.1.0.77", code="PrivateIPAddressIsAllocated")
    stage.az_refused(f"network nic create -g {GROUP} -n n2 --vnet-name v1 --subnet none", code="InvalidResourceReference")


def test_which_addresses_can_be_had(stage):
    asked = stage.az_json(f"network vnet check-ip-address -g {GROUP} -n v1 --ip-address 10.1.0.77")
    expect_equal((asked["available"], asked["availableIPAddresses"][0]), (False, "10.1.0.4"), "address in use")
    expect_in("10.1.0.4", stage.az_json(f"network vnet subnet list-available-ips -g {GROUP} --vnet-name v1 -n s1"), "addresses that are free")


def test_interfaces_made_at_once_get_different_addresses(stage):
    subnet = stage.make_network(GROUP, "many", "10.9.0.0/24")
    expect_equal(len(set(stage.make_interfaces(24, subnet, GROUP))), 48, "different addresses")
    for number in range(24):
        stage.arm("DELETE", f"{NETWORK}/networkInterfaces/many{number}", "2023-11-01", status=200)
        stage.arm("DELETE", f"{NETWORK}/publicIPAddresses/many{number}", "2023-11-01", status=200)
    stage.arm("DELETE", f"{NETWORK}/virtualNetworks/many", "2023-11-01", status=200)


def test_what_is_in_use_is_not_deleted(stage):
    stage.az_refused(f"network vnet delete -g {GROUP} -n v1", code="InUseSubnetCannotBeDeleted")
    stage.az_refused(f"network vnet subnet delete -g {GROUP} --vnet-name v1 -n s1", code="InUseSubnetCannotBeDeleted")
    stage.az_refused(f"network public-ip delete -g {GROUP} -n p1", code="PublicIPAddressCannotBeDeleted")


def test_a_restart_keeps_all_of_it(stage):
    before = stage.arm("GET", f"{NETWORK}/networkInterfaces/n1", "2023-11-01").json
    stage.server.kill()
    stage.start_server()
    expect_equal(stage.arm("GET", f"{NETWORK}/networkInterfaces/n1", "2023-11-01").json, before, "interface after kill -9")


def test_resources_and_tags_are_seen_by_the_resource_manager(stage):
    listed = stage.az_json(f"resource list -g {GROUP}")
    expect_equal(sorted(resource["type"].split("/")[1] for resource in listed), [
        "networkInterfaces", "networkSecurityGroups", "publicIPAddresses", "virtualNetworks"], "types of resources")
    interface = next(resource for resource in listed if resource["name"] == "n1")
    stage.az(f"tag update --resource-id {interface['id']} --operation Merge --tags c=d")
    expect_equal(stage.az_json(f"network nic show -g {GROUP} -n n1")["tags"], {"a": "b", "c": "d"}, "tags")
    expect_equal(stage.az_json("provider show -n Microsoft.Network")["registrationState"], "Registered", "provider")


def test_the_network_contributor_manages_networks_where_it_is_assigned_and_nothing_else(stage):
    stage.make_group("other")
    other = f"{stage.subscription}/resourceGroups/other"
    made = stage.az_json("ad sp create-for-rbac -n net --role", "Network Contributor", "--scopes", other)
    token = stage.token(client=made["appId"], secret=made["password"])
    interface = f"{other}/providers/Microsoft.Network/networkInterfaces/n9"
    subnet = f"{stage.subscription}{NETWORK}/virtualNetworks/v1/subnets/s1"
    body = {"location": "uksouth", "properties": {"ipConfigurations": [{"name": "c", "properties": {"subnet": {"id": subnet}}}]}}
    refused = stage.arm("PUT", interface, "2023-11-01", body, status=403, token=token)
    expect_equal(refused.code, "LinkedAuthorizationFailed", "use of another group's subnet")
    disk = f"{other}/providers/Microsoft.Compute/disks/d"
    expect_equal(stage.arm("GET", disk, "2023-10-02", status=403, token=token).code, "AuthorizationFailed", "a disk")
    stage.assign("Network Contributor", stage.az_json(f"ad sp show --id {made['appId']}")["id"], f"{stage.subscription}{NETWORK}/virtualNetworks/v1")
    stage.arm("PUT", interface, "2023-11-01", body, status=201, token=token)
    # What others use stays when its group is deleted, and says by whom it is used.
    expect_in(interface, stage.az_refused(f"group delete -n {GROUP} --yes", code="ResourceGroupDeletionBlocked").errors, "reason")
    stage.arm("DELETE", interface, "2023-11-01", status=200, token=token)


def test_a_load_balancer_and_its_parts(stage):
    made = stage.az_json(f"network lb create -g {GROUP} -n lb1 --sku Standard --public-ip-address lbip --frontend-ip-name f --backend-pool-name b")
    expect_equal(names(made["loadBalancer"]["backendAddressPools"]), ["b"], "pools that az made")
    line = f"-g {GROUP} --lb-name lb1"
    stage.az_json(f"network lb probe create {line} -n h --protocol Tcp --port 80 --interval 5")
    rule = stage.az_json(f"network lb rule create {line} -n web --protocol Tcp --frontend-port 80 --backend-port 8080 --probe-name h --frontend-ip f --backend-pool-name b")
    expect_equal((rule["frontendPort"], rule["backendPort"], rule["loadDistribution"]), (80, 8080, "Default"), "the rule")
    stage.az_json(f"network lb inbound-nat-rule create {line} -n one --protocol Tcp --frontend-port 2201 --backend-port 22 --frontend-ip f")
    stage.az_json(f"network lb address-pool create {line} -n b2")
    stage.az(f"network nic create -g {GROUP} -n n4 --vnet-name v1 --subnet s2")
    stage.az_json(f"network nic ip-config address-pool add -g {GROUP} --nic-name n4 --ip-config-name ipconfig1 --lb-name lb1 --address-pool b")
    stage.az_json(f"network nic ip-config inbound-nat-rule add -g {GROUP} --nic-name n4 --ip-config-name ipconfig1 --lb-name lb1 --inbound-nat-rule one")
    shown = stage.az_json(f"network lb show -g {GROUP} -n lb1")
    users = [each["backendIPConfigurations"][0]["id"].split("/")[-3] for each in shown["backendAddressPools"] if each["name"] == "b"]
    expect_equal(users, ["n4"], "members")
    expect_equal(shown["inboundNatRules"][0]["backendIPConfiguration"]["id"].split("/")[-3], "n4", "whom the rule leads to")
    stage.az_refused(f"network lb rule create {line} -n udp --protocol Udp --frontend-port 53 --backend-port 53 --frontend-ip f --backend-pool-name b", code="give 'Tcp'")
    stage.az_refused(f"network lb inbound-nat-rule create {line} -n two --protocol Tcp --frontend-port 80 --backend-port 22 --frontend-ip f", code="both use port 80")
    stage.az_refused(f"network lb create -g {GROUP} -n inner --sku Standard --vnet-name v1 --subnet s2", code="guests do not reach each other")
    stage.az_refused(f"network lb delete -g {GROUP} -n lb1", code="InUseLoadBalancerCannotBeDeleted")
    stage.az(f"network nic delete -g {GROUP} -n n4")
    stage.az(f"network lb address-pool delete {line} -n b2")
    stage.az(f"network lb rule delete {line} -n web")
    expect_equal(stage.az_json(f"network lb rule list {line}"), [], "rules")
    stage.az(f"network lb delete -g {GROUP} -n lb1")
    stage.az(f"network public-ip delete -g {GROUP} -n lbip")


def test_deletion_one_by_one_and_by_group(stage):
    stage.az(f"network nic create -g {GROUP} -n n3 --vnet-name v1 --subnet s2")
    stage.az(f"network nic delete -g {GROUP} -n n3")
    stage.az(f"network vnet subnet delete -g {GROUP} --vnet-name v1 -n s2")
    stage.az(f"group delete -n {GROUP} --yes")
    expect_equal(stage.az_json("network nic list"), [], "interfaces")
    expect_equal(stage.az_json("network public-ip list"), [], "addresses")
    stage.make_group(GROUP)
    # What had been given out is free again.
    stage.arm("PUT", f"{NETWORK}/publicIPAddresses/p2", "2023-11-01", {"location": "uksouth"})
    again = stage.arm("GET", f"{NETWORK}/publicIPAddresses/p2", "2023-11-01").json
    expect_equal(again["properties"]["ipAddress"], stage.kept["address"], "address that was given back")


def test_public_addresses_come_from_the_network_that_serve_is_told(stage):
    refused = stage.coffer("serve --public-network 10.0.0.0/16", ok=False)
    expect_in("--public-network", refused.errors, "refusal")
    stage.server.stop()
    stage.start_server("--public-network", "127.77.0.0/16")
    for name, address in (("p2", stage.kept["address"]), ("p3", "127.77.0.4")):
        shown = stage.arm("PUT", f"{NETWORK}/publicIPAddresses/{name}", "2023-11-01", {"location": "uksouth"}).json
        expect_equal(shown["properties"]["ipAddress"], address, f"address of {name}")
