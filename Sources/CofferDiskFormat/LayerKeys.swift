package import CofferCore
package import CofferModel

/// The data keys of one disk, layer 0 first; each has 64 bytes: the AES-256 key of the data, then that of the tweak. A disk that is not
/// encrypted has none.
package struct LayerKeys: ~Copyable, Sendable {
    /// Length of each key in bytes.
    package static let keyByteCount = 64

    /// The key of layer 0, next to the guest.
    package let inner: SecretBytes?
    /// The key of layer 1, next to the file, where there are two.
    package let outer: SecretBytes?

    /// - Parameter outer: nil for a disk of one layer.
    package init(inner: consuming SecretBytes, outer: consuming SecretBytes? = nil) {
        self.inner = .some(consume inner)
        self.outer = outer
    }

    /// Those of a disk that is not encrypted.
    package init() {
        inner = nil
        outer = nil
    }

    /// From 0 to 2.
    package var count: Int { withOuter { _ in 2 } ?? withInner { _ in 1 } ?? 0 }

    /// The check values of these keys as the layers of `disk`.
    package borrowing func checks(for disk: DiskID) -> [KeyCheck] {
        var checks: [KeyCheck] = []
        if let check = withInner({ KeyCheck(of: $0, disk: disk, layer: 0) }) { checks.append(check) }
        if let check = withOuter({ KeyCheck(of: $0, disk: disk, layer: 1) }) { checks.append(check) }
        return checks
    }

    /// Calls `body` with the key of layer 0, or returns nil where there is none.
    package borrowing func withInner<R, E: Error>(_ body: (borrowing SecretBytes) throws(E) -> R) throws(E) -> R? {
        switch inner {
        case .some(let key): try body(key)
        case .none: nil
        }
    }

    /// Calls `body` with the key of layer 1, or returns nil where there is none.
    package borrowing func withOuter<R, E: Error>(_ body: (borrowing SecretBytes) throws(E) -> R) throws(E) -> R? {
        switch outer {
        case .some(let key): try body(key)
        case .none: nil
        }
    }

    /// Whether `key` is this disk's key of layer `layer`, compared in constant time.
    package borrowing func holds(_ key: borrowing SecretBytes, asLayer layer: Int) -> Bool {
        switch layer {
        case 0: withInner { $0.constantTimeEquals(key) } ?? false
        case 1: withOuter { $0.constantTimeEquals(key) } ?? false
        default: false
        }
    }
}
