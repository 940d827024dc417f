/// Regions are named in two ways, `uksouth` and `UK South`; Coffer keeps the first.
package enum Location {
    package static func canonical(_ name: String) -> String {
        name.lowercased().filter { !$0.isWhitespace }
    }

    /// The part of the world that regions have in common, such as `uk` of `uksouth` and `ukwest`: what is left of a region's name without
    /// compass points and numbers.
    package static func geography(of region: String) -> String {
        let name = ["north", "south", "east", "west", "central"].reduce(canonical(region)) { $0.replacing($1, with: "") }
        return name.filter { !$0.isNumber }
    }
}
