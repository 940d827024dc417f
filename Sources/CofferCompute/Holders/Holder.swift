import CofferModel

/// Something that holds wrapped data keys in a header of its own: a disk, a snapshot, or a disk of an image.
struct Holder: Sendable {
    let record: DiskRecord
    /// nil if its host does not have it.
    let status: DiskStatus?
    /// Unless only platform keys are used.
    let set: EncryptionSetRecord?

    /// The version of a customer's key that its data key is wrapped by; nil if none is.
    var key: KeyURL? { status?.customerLayer.flatMap { KeyURL($0.layer.keyID) } }

    /// All versions of customers' keys that its data needs; more than one while it is re-encrypted.
    var keys: [KeyURL] { (status?.placedLayers(of: record) ?? []).compactMap { $0.set == nil ? nil : KeyURL($0.layer.keyID) } }

    /// Whether it is wrapped by another version than its set's active one, and so needs that still.
    var needsOldVersion: Bool {
        guard let set, let status else { return false }
        return status.placedLayers(of: record).contains { $0.set == set.id && $0.layer.keyID != set.activeKey.url.text }
    }

    /// `disks`, `snapshots` or `images`.
    var kind: String { record.id.shown.segments.last?.type ?? "" }
}

/// A key that is asked about: all of its versions, or one.
struct KeyReference: Sendable {
    let vault: String
    let name: String
    let version: String?

    /// - Parameter text: A key's URL, or its id in Azure Resource Manager, each with or without a version.
    /// - Returns: nil if it is neither.
    init?(_ text: String) {
        if let url = KeyURL(text) {
            (vault, name, version) = (url.vault, url.name, url.version)
            return
        }
        guard let id = ResourceID(text), id.namespace?.lowercased() == "microsoft.keyvault", (2...3).contains(id.segments.count),
            zip(id.segments, ["vaults", "keys", "versions"]).allSatisfy({ $0.type.lowercased() == $1 })
        else { return nil }
        (vault, name) = (id.segments[0].name, id.segments[1].name)
        version = id.segments.count == 3 ? id.segments[2].name : nil
    }

    func matches(_ url: KeyURL) -> Bool {
        url.vault.lowercased() == vault.lowercased() && url.name.lowercased() == name.lowercased()
            && (version.map { $0.lowercased() == url.version?.lowercased() } ?? true)
    }
}
