package import CofferModel

/// Something that happened to a key, which the disk platform must follow. CofferVault appends it to the stream
/// ``stream`` in the transaction that makes it true.
package struct KeyChange: Codable, Equatable, Sendable {
    package static let stream = "key-changes"

    package enum Kind: String, Codable, Sendable {
        case newVersion
        /// Enabled, disabled, or other dates.
        case attributes
        /// The key, or the vault that held it, was deleted or came back.
        case deleted
        case recovered
        /// Permissions at or above the vault changed, so any key may have become usable or unusable.
        case access
    }

    package let kind: Kind
    /// The vault; for ``Kind/access`` the scope that changed.
    package let scope: ResourceID
    /// The key's name, or nil if all keys of the scope are meant.
    package let key: String?
    package let version: String?

    package init(kind: Kind, scope: ResourceID, key: String?, version: String?) {
        self.kind = kind
        self.scope = scope
        self.key = key
        self.version = version
    }
}
