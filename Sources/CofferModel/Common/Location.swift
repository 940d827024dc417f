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

extension APIError {
    /// 409: the resource is in another region than the request says.
    package static func resourceLocationFixed(_ id: ResourceID, _ location: String, asked: String) -> APIError {
        APIError(
            status: 409, code: "InvalidResourceLocation",
            message: "The resource '\(id.name)' already exists in location '\(location)' in resource group '\(id.group ?? "")'. A resource with "
                + "the same name cannot be created in location '\(asked)'. Please select a new resource name.",
            target: "location")
    }
}
