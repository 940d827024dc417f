import CofferPlatform
import Testing

@testable import CofferQEMU

@Suite("QEMU's user-mode networks")
struct UserNetworkTableTests {
    @Test("Forwarded ports and connections are read; everything else is passed over")
    func table() {
        let text = """
            Hub -1 (metadata):
              Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
              UDP[236 sec]       21  169.254.169.15 40000   169.254.169.3    53     0     0
            Hub -1 (net0):
              Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
              TCP[ESTABLISHED]   30       127.0.0.2 34921        10.0.0.4    80     0     0
              TCP[HOST_FORWARD]  13       127.0.0.2 34921        10.0.0.4    80     0     0
              TCP[SYN_SENT]      31               *     x        10.0.0.4    80     0     0
              TCP[SYN_SENT]      31       127.0.0.1 99999        10.0.0.4    80     0     0
              TCP[

            """
        let lines = UserNetworkTable(text).lines
        let (host, guest) = (HostEndpoint(address: "127.0.0.2", port: 34921), HostEndpoint(address: "10.0.0.4", port: 80))
        #expect(lines == [
            .init(network: "net0", state: "ESTABLISHED", host: host, guest: guest), .init(network: "net0", state: "HOST_FORWARD", host: host, guest: guest),
        ])
        for cut in text.indices { _ = UserNetworkTable(String(text[..<cut])) }
        #expect(UserNetworkTable("Hub )(\nHub (\nTCP[] a b c d e f").lines.isEmpty)
    }
}
