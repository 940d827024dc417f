import Synchronization

/// What a document was decoded to. A store that keeps documents in memory puts one beside each, so that a document that is
/// read often is decoded once. It holds the last type that was asked for: a collection's documents have one.
package final class DecodedDocument: Sendable {
    private let value = Mutex<(any Sendable)?>(nil)

    package init() {}

    /// The value, if it was kept as this type.
    func value<Value: Sendable>(as type: Value.Type) -> Value? {
        value.withLock { $0 } as? Value
    }

    func keep(_ new: some Sendable) {
        value.withLock { $0 = new }
    }
}
