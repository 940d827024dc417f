import Testing

@testable import CofferNetwork

@Suite("Addresses and prefixes")
struct AddressTests {
    @Test("Addresses are read and written", arguments: [
        ("10.0.0.4", "10.0.0.4"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"), ("fe80::1", "fe80::1"),
        ("2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:10.0.0.1", "::ffff:a00:1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1::", "1::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func addresses(_ text: String, _ written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(written) == address)
    }

    @Test("What is no address is none", arguments: [
        "", "10.0.0", "10.0.0.256", "10.0.0.0.0", "10.0.0.01", "10.0.0.-1", "10.0.0.+1", "a.b.c.d", " 10.0.0.1", "10.0.0.1 ", ":", ":::", "1::2::3",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "+1::", "::1%eth0", "10.0.0.1::", "::10.0.0.1:1", "1:2:3:4:5:6:7::8", "10..0.1", "٣.0.0.1",
    ])
    func nonsense(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("Prefixes have ends, and know what lies within")
    func prefixes() throws {
        let prefix = try #require(AddressPrefix("10.1.2.3/20"))
        #expect(prefix.first.description == "10.1.0.0" && prefix.last.description == "10.1.15.255")
        #expect(prefix.canonical.description == "10.1.0.0/20" && prefix != prefix.canonical)
        #expect(try prefix.contains(#require(IPAddress("10.1.15.1"))) && !prefix.contains(#require(IPAddress("10.1.16.0"))))
        #expect(try !prefix.contains(#require(IPAddress("::a01:203"))))
        let all = try #require(AddressPrefix("0.0.0.0/0"))
        #expect(all.contains(prefix) && !prefix.contains(all) && prefix.overlaps(all) && all.overlaps(prefix))
        let everything = try #require(AddressPrefix("::/0"))
        #expect(everything.last.bits == .max && !everything.overlaps(all))
        #expect(try #require(AddressPrefix("fd00::/64")).last.description == "fd00::ffff:ffff:ffff:ffff")
        #expect(AddressPrefix(only: IPAddress(127, 0, 0, 1)).description == "127.0.0.1/32")
    }

    @Test("What is no prefix is none", arguments: ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "/8", "10.0.0.0/8/8", "::/129", "10.0.0.0/99999999999999999999"])
    func nonsensePrefixes(_ text: String) {
        #expect(AddressPrefix(text) == nil)
    }

    @Test("The first four and the last address of a subnet are not given out")
    func usable() throws {
        let usable = try #require(AddressPrefix("10.0.0.0/29")?.usable)
        #expect(usable.count == 3 && IPAddress(.v4, bits: usable.lowerBound).description == "10.0.0.4")
        #expect(AddressPrefix("10.0.0.0/30")?.usable == nil && AddressPrefix("10.0.0.0/32")?.usable == nil)
    }

    @Test("Ports of rules are read", arguments: [("22", 22...22), ("*", 0...65535), ("8000-8100", 8000...8100), ("0-65535", 0...65535)])
    func ports(_ text: String, _ ports: ClosedRange<UInt16>) {
        #expect(PortRange(text)?.ports == ports)
    }

    @Test("What is no port is none", arguments: ["", "-", "22-", "-22", "65536", "8100-8000", "1-2-3", "a", "22 ", "00022"])
    func nonsensePorts(_ text: String) {
        #expect(PortRange(text) == nil)
    }
}
