import CofferCrypto

/// The error with which `body` ends, or nil if it ends well.
func refusal(_ body: () throws -> Void) -> CryptoError? {
    do {
        try body()
        return nil
    } catch {
        return error as? CryptoError
    }
}
