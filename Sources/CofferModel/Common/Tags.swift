/// The tags of a resource: at most 50, names to 512 characters, values to 256.
package enum Tags {
    /// - Throws: ``APIError`` naming what is too much.
    package static func checked(_ tags: [String: String]) throws -> [String: String] {
        guard tags.count <= 50 else {
            throw APIError.invalidTags("\(tags.count) tags were given and 50 are allowed.")
        }
        for (name, value) in tags {
            guard (1...512).contains(name.count), !name.contains(where: { "<>%&\\?/".contains($0) }) else {
                throw APIError.invalidTags("The tag name '\(name.prefix(64))' is empty, longer than 512 characters, or has one of <>%&\\?/.")
            }
            guard value.count <= 256 else {
                throw APIError.invalidTags("The value of tag '\(name.prefix(64))' is longer than 256 characters.")
            }
        }
        return tags
    }
}

extension APIError {
    fileprivate static func invalidTags(_ message: String) -> APIError {
        APIError(status: 400, code: "InvalidTags", message: message, target: "tags")
    }

    /// 400 for a region that is not one of ours.
    package static func locationNotAvailable(_ location: String) -> APIError {
        APIError(
            status: 400, code: "LocationNotAvailableForResourceType",
            message: location.isEmpty
                ? "The location property is required: name a region such as 'uksouth'."
                : "The provided location '\(location)' is not a region of this cloud. `az account list-locations` lists them.",
            target: "location"
        )
    }
}
