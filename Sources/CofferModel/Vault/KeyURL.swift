/// The URL of a key in a vault: `https://kv1.vault.localhost:8443/keys/name[/version]`.
package struct KeyURL: Hashable, Sendable {
    /// Host with port, as in the URL, in lower case.
    package let host: String
    package let name: String
    package let version: String?

    /// The vault's name: the host's first label.
    package var vault: String { host.split(separator: ".").first.map(String.init) ?? host }

    package var text: String {
        "https://\(host)/keys/\(name)" + (version.map { "/\($0)" } ?? "")
    }

    package init(host: String, name: String, version: String?) {
        self.host = host.lowercased()
        self.name = name
        self.version = version
    }

    /// - Returns: nil unless `text` is an https URL with the path `/keys/NAME[/VERSION]`.
    package init?(_ text: String) {
        let scheme = "https://"
        guard text.lowercased().hasPrefix(scheme) else { return nil }
        let parts = text.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let path = parts.dropFirst().filter { !$0.isEmpty }
        guard let host = parts.first, !host.isEmpty, path.first?.lowercased() == "keys", path.count == 2 || path.count == 3
        else { return nil }
        self.init(host: host, name: path[1 + path.startIndex], version: path.count == 3 ? path[path.startIndex + 2] : nil)
    }

    /// The same key without or with another version.
    package func with(version: String?) -> KeyURL {
        KeyURL(host: host, name: name, version: version)
    }
}
