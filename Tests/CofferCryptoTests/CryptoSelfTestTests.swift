import CofferCrypto
import Testing

@Suite struct CryptoSelfTestTests {
    @Test func everyKnownAnswerIsGiven() throws {
        try CryptoSelfTest.run()
    }
}
