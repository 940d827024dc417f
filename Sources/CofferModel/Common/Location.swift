/// Regions are named in two ways, `uksouth` and `UK South`; Coffer keeps the first.
package enum Location {
    package static func canonical(_ name: String) -> String {
        name.lowercased().filter { !$0.isWhitespace }
    }
}
