import CofferModel
import Testing

struct SocketAddressTests {
    @Test func itIsReadAndWritten() {
        #expect(SocketAddress("127.0.0.1:10809") == SocketAddress(host: "127.0.0.1", port: 10809))
        #expect(SocketAddress("[::1]:0") == SocketAddress(host: "::1", port: 0))
        for text in ["127.0.0.1:10809", "[::1]:1"] { #expect(SocketAddress(text)?.description == text) }
    }

    @Test(arguments: ["", ":", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:1", "[127.0.0.1]:1", "[::1]", "[]:1"])
    func whatHasNoPortOrNoAddressIsNone(_ text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
