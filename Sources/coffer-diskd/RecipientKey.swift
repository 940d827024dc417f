import CofferCrypto

/// The key of this process, to which data keys are sealed for it. A new process has a new one.
final class RecipientKey: Sendable {
    let key = HPKEPrivateKey.generate()
}
