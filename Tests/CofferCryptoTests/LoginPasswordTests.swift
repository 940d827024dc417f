import CofferCore
import Testing

@testable import CofferCrypto

@Suite("Passwords of operating systems")
struct LoginPasswordTests {
    private func hash(_ text: String) -> String? {
        var bytes = Array(text.utf8)
        return LoginPassword.hash(SecretBytes(wiping: &bytes))
    }

    private func matches(_ text: String, _ hash: String) -> Bool {
        var bytes = Array(text.utf8)
        return LoginPassword.matches(SecretBytes(wiping: &bytes), hash)
    }

    @Test("A hash is yescrypt's with a salt of its own, and of its password alone")
    func life() throws {
        let first = try #require(hash("Correct-horse-1"))
        let second = try #require(hash("Correct-horse-1"))
        #expect(first.hasPrefix("$y$") && first != second)
        #expect(matches("Correct-horse-1", first))
        #expect(matches("Correct-horse-1", second))
        #expect(!matches("Correct-horse-2", first))
    }

    @Test("What others made is read, and what is no hash matches nothing")
    func others() {
        // By openssl passwd -6 -salt saltsalt secret.
        let other = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
        #expect(matches("secret", other))
        #expect(!matches("other", other))
        for bad in ["", "*", "!", "$y$", "$9$x$y"] { #expect(!matches("secret", bad)) }
        #expect(hash("a\0b") == nil)
    }
}
