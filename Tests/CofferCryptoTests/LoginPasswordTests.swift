import CofferCore
import Testing

@testable import CofferCrypto

@Suite("Passwords of operating systems")
struct LoginPasswordTests {
    private func secret(_ text: String) -> SecretBytes {
        var bytes = Array(text.utf8)
        return SecretBytes(wiping: &bytes)
    }

    @Test("A hash is yescrypt's with a salt of its own, and of its password alone")
    func life() throws {
        let first = try #require(LoginPassword.hash(secret("Correct-horse-1")))
        let second = try #require(LoginPassword.hash(secret("Correct-horse-1")))
        #expect(first.hasPrefix("$y$") && first != second)
        #expect(LoginPassword.matches(secret("Correct-horse-1"), first))
        #expect(LoginPassword.matches(secret("Correct-horse-1"), second))
        #expect(!LoginPassword.matches(secret("Correct-horse-2"), first))
    }

    @Test("What others made is read, and what is no hash matches nothing")
    func others() {
        // By openssl passwd -6 -salt saltsalt secret.
        let other = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"
        #expect(LoginPassword.matches(secret("secret"), other))
        #expect(!LoginPassword.matches(secret("other"), other))
        for bad in ["", "*", "!", "$y$", "$9$x$y"] { #expect(!LoginPassword.matches(secret("secret"), bad)) }
        #expect(LoginPassword.hash(secret("a\0b")) == nil)
    }
}
