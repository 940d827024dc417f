"""`coffer serve --network taps`: guests of a virtual network reach each other as their security groups allow, and nobody else does."""
import os

from expectations import Skip
from stage import *
from vms import *

GROUP = "g"
FIRST, SECOND = f"-g {GROUP} -n vm1", f"-g {GROUP} -n vm2"


def set_up(stage):
    if os.geteuid() != 0:
        raise Skip("namespaces and taps are root's")
    trial = f"coffer-trial-{os.getpid()}"
    if stage.run(["ip", "netns", "add", trial], ok=None).status != 0:
        raise Skip("this root may make no network namespaces")
    stage.run(["ip", "netns", "delete", trial])
    serve_machines(stage, GROUP, "--network", "taps")


def tear_down(stage):
    for name in own_namespaces(stage) | stage.kept.get("own", set()):
        stage.run(["ip", "netns", "delete", name], ok=None)


def namespaces(stage):
    return [line.split()[0] for line in stage.run(["ip", "netns", "list"]).output.splitlines() if line.startswith("coffer-")]


def own_namespaces(stage):
    """Those that this installation's machines use, by the files of the taps."""
    return {line.split()[0] for file in (stage.data / "run/vm").glob("*/taps") for line in file.read_text().splitlines()}


def reaches(stage, line, address, port):
    said = run_in_guest(stage, line, f"timeout 3 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo reached || echo closed")
    return said == "reached"


def test_machines_share_a_virtual_network(stage):
    create = "--image Debian12 --size Standard_B1s --admin-username ada --vnet-name v --subnet s --os-disk-delete-option Delete --nic-delete-option Delete"
    key = f"{stage.root}/key.pub"
    stage.az(f"network vnet create -g {GROUP} -n v --address-prefixes 10.7.0.0/16 --subnet-name s --subnet-prefixes 10.7.0.0/24")
    thread = threading.Thread(target=lambda: stage.az(f"vm create {SECOND} {create} --private-ip-address 10.7.0.9 --public-ip-address", "", "--ssh-key-values", key))
    thread.start()
    made = stage.az_json(f"vm create {FIRST} {create} --private-ip-address 10.7.0.8 --public-ip-sku Standard --ssh-key-values", key)
    thread.join()
    stage.kept["address"] = made["publicIpAddress"]
    expect_equal(len(processes(stage)), 2, "QEMU processes")
    expect_equal(len(own_namespaces(stage)), 1, "namespaces")


def test_dhcp_gives_each_its_address_and_the_way_to_the_virtual_network(stage):
    wait_until_set_up(stage, FIRST)
    wait_until_set_up(stage, SECOND)
    for line, address in ((FIRST, "10.7.0.8"), (SECOND, "10.7.0.9")):
        said = run_in_guest(stage, line, "ip -br -4 address; ip route")
        expect_in(f"{address}/24", said, "addresses and routes")
        expect_in("10.7.0.0/16 via 10.7.0.1", said, "addresses and routes")
        expect("default" not in said, f"there is a way out: {said}")


def test_the_administrator_signs_in_at_the_public_address(stage):
    expect_equal(ssh(stage, stage.kept["address"], "hostname").output, "vm1\n", "who")


def test_they_reach_each_other_and_nothing_of_the_host(stage):
    # Both have a group of their own that lets port 22 in, and AllowVnetInBound everything from the virtual network.
    expect(reaches(stage, FIRST, "10.7.0.9", 22), "the second guest from the first")
    expect(reaches(stage, SECOND, "10.7.0.8", 22), "the first guest from the second")
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        port = listener.getsockname()[1]
        for host in ("10.7.0.1", "169.254.169.1", "8.8.8.8", stage.kept["address"]):
            expect(not reaches(stage, FIRST, host, port), f"{host} from within")


def test_a_rule_takes_effect_while_they_run(stage):
    rule = f"network nsg rule create -g {GROUP} --nsg-name vm2NSG -n no-ssh --priority 200 --access Deny --protocol Tcp --destination-port-ranges 22"
    stage.az(f"{rule} --source-address-prefixes 10.7.0.8")
    eventually(lambda: not reaches(stage, FIRST, "10.7.0.9", 22), 30, "the rule takes no effect", every=1)
    expect(reaches(stage, SECOND, "10.7.0.8", 22), "the other direction")
    stage.az(f"network nsg rule create -g {GROUP} --nsg-name vm2NSG -n no-way-out --priority 200 --direction Outbound --access Deny --protocol Tcp"
             " --destination-port-ranges 22")
    eventually(lambda: not reaches(stage, SECOND, "10.7.0.8", 22), 30, "the outbound rule takes no effect", every=1)
    stage.az(f"network nsg rule delete -g {GROUP} --nsg-name vm2NSG -n no-ssh")
    eventually(lambda: reaches(stage, FIRST, "10.7.0.9", 22), 30, "the rule that is gone has an effect", every=1)


def test_no_guest_sends_under_the_address_of_another(stage):
    listen = ('$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 5300) or die;'
              ' while ($s->recv($m, 99)) { open F, ">>/tmp/heard"; print F $s->peerhost, "\\n"; close F }')
    run_in_guest(stage, FIRST, f"setsid perl -MIO::Socket::INET -e '{listen}' </dev/null >/dev/null 2>&1 & sleep 1")

    def send(address):
        words = f'$s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "{address}", PeerAddr => "10.7.0.8", PeerPort => 5300) or die; $s->send("x") for 1..5'
        expect_equal(run_in_guest(stage, SECOND, f"perl -MIO::Socket::INET -e '{words}' && echo sent"), "sent", f"packets of {address}")

    run_in_guest(stage, SECOND, "ip address add 10.7.0.77/24 dev $(ip -br -4 address | awk '/10.7.0.9/{print $1}')")
    send("10.7.0.77")
    send("10.7.0.9")
    heard = lambda: set(run_in_guest(stage, FIRST, "cat /tmp/heard 2>/dev/null || true").split())
    eventually(heard, 30, "no packet arrived", every=1)
    expect_equal(heard(), {"10.7.0.9"}, "who was heard")


def test_networks_outlive_the_server_and_ports_come_back_with_it(stage):
    stage.server.kill()
    expect_equal(len(processes(stage)), 2, "QEMU processes")
    stage.start_server("--public-network", NETWORK, "--network", "taps")
    eventually(lambda: ssh(stage, stage.kept["address"], "true", ok=None).status == 0, 60, "no login after kill -9", every=1)
    expect(reaches(stage, FIRST, "10.7.0.9", 22), "the second guest from the first")


def test_nothing_is_left_of_machines_that_go(stage):
    stage.kept["own"] = own_namespaces(stage)
    # One by its process's end, while the server is away, the other as it should be.
    stage.server.kill()
    first = (stage.data / "run/vm").glob("*/pid")
    victim = int(next(first).read_text())
    os.kill(victim, signal.SIGKILL)
    stage.start_server("--public-network", NETWORK, "--network", "taps")
    eventually(lambda: len(list((stage.data / "run/vm").glob("*/taps"))) == 1, 60, "the taps of the one that was killed stay", every=1)
    for name in ("vm1", "vm2"):
        stage.az(f"vm delete -g {GROUP} -n {name} --yes")
    expect_equal([name for name in namespaces(stage) if name in stage.kept["own"]], [], "namespaces")
    expect_equal(stage.processes_of("dnsmasq"), [], "servers for DHCP")
