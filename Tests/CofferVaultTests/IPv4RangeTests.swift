import Testing

@testable import CofferVault

@Suite struct IPv4RangeTests {
    @Test(arguments: [
        ("203.0.113.5", "203.0.113.5", true), ("203.0.113.5", "203.0.113.6", false), ("203.0.113.5/32", "203.0.113.5", true),
        ("203.0.113.0/24", "203.0.113.255", true), ("203.0.113.0/24", "203.0.114.0", false), ("203.0.113.77/24", "203.0.113.1", true),
        ("0.0.0.0/0", "255.255.255.255", true), ("128.0.0.0/1", "127.255.255.255", false), ("128.0.0.0/1", "128.0.0.0", true),
        ("10.0.0.0/31", "10.0.0.1", true), ("10.0.0.0/31", "10.0.0.2", false), ("255.255.255.255", "255.255.255.255", true),
        ("127.0.0.1", "::1", true), ("203.0.113.0/24", "::ffff:203.0.113.9", true), ("203.0.113.0/24", "::FFFF:203.0.114.9", false),
    ])
    func anAddressIsInARangeByItsFirstBits(range: String, address: String, isIn: Bool) throws {
        let range = try #require(IPv4Range(range))
        #expect(range.contains(try #require(IPv4Address(client: address))) == isIn)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8/8", "a.b.c.d", "1.2.3.0004",
        "::1", "1.2.3.4 ", "١.٢.٣.٤", "1..3.4", "/8", "1.2.3.4/+8",
    ])
    func whatIsNoRangeIsNone(text: String) {
        #expect(IPv4Range(text) == nil)
    }

    @Test(arguments: ["", "::2", "2001:db8::1", "::ffff:", "::ffff:1.2.3", "fe80::1%lo", "unix", "1.2.3.4:80"])
    func whatIsNoIPv4ClientIsNone(text: String) {
        #expect(IPv4Address(client: text) == nil)
    }
}
