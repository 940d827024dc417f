import CofferModel
import CofferPlatform

// Codes and sentences are those that Azure answers with where they are known; a comment says where the code is Coffer's own choice.
extension APIError {
    /// 400: a name with other characters, or too many.
    static func networkNameInvalid(_ name: String) -> APIError {
        APIError(
            status: 400, code: "InvalidResourceName",
            message: "Resource name \(name.prefix(100)) is invalid. The name can be up to 80 characters long. It must begin with a letter or digit, "
                + "and it must end with a letter, a digit or '_'. The name may contain letters, digits, '.', '-' and '_'.",
            target: "name")
    }

    /// 400: a body of the wrong shape.
    static func requestFormat(_ reason: String, of id: ResourceID, target: String? = nil) -> APIError {
        APIError(status: 400, code: "InvalidRequestFormat", message: "Cannot parse the request for \(id.typeAndName): \(reason).", target: target)
    }

    /// 400: a PATCH of something else than tags.
    static func patchChangesTags(_ id: ResourceID) -> APIError {
        requestFormat("a PATCH changes tags only; send all properties in a PUT", of: id, target: "properties")
    }

    /// 400, the code is Coffer's: something of Azure's network that is not here, said rather than passed over.
    static func notInThisNetwork(_ property: String, of id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "NotSupported",
            message: "'\(property)' of \(id.typeAndName) is not supported: Coffer's network has virtual networks, security groups, public IP addresses, "
                + "load balancers and network interfaces. Leave it out.",
            target: property)
    }

    /// 404: a type of Microsoft.Network that is not served, or something below a resource that it does not have.
    static func networkTypeNotServed(_ path: [String], served: [String]) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "'\(path.joined(separator: "/").prefix(200))' could not be found in the namespace 'Microsoft.Network'. Coffer serves there "
                + served.joined(separator: ", ") + ".")
    }

    /// 400: the request names no group.
    static let networkGroupRequired = invalidParameter("A resource of Microsoft.Network is in a resource group: /subscriptions/…/resourceGroups/….")

    /// 404: a child that is not there.
    static func networkChildNotFound(_ id: ResourceID) -> APIError {
        APIError(status: 404, code: "NotFound", message: "Resource \(id.text) not found.")
    }

    /// 404: a child of something that is not there.
    static func parentNotFound(_ id: ResourceID) -> APIError {
        APIError(
            status: 404, code: "ParentResourceNotFound",
            message: "Can not perform requested operation on nested resource. Parent resource '\(id.name)' not found.")
    }

    /// 412: `If-Match` or `If-None-Match` does not hold.
    static func networkPreconditionFailed(_ id: ResourceID) -> APIError {
        APIError(
            status: 412, code: "PreconditionFailed",
            message: "\(id.typeAndName) is not in the state that the request's If-Match or If-None-Match asks for. Read it again and repeat the change.")
    }

    /// 409: another request came between.
    static func networkChangedMeanwhile(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "AnotherOperationInProgress",
            message: "Another operation on \(id.typeAndName) or on what it uses came between. Try again.")
    }

    /// 400: a property that should hold the id of another resource.
    static func linkInvalid(_ text: String, _ link: NetworkLink, of holder: ResourceID) -> APIError {
        APIError(
            status: 400, code: "LinkedInvalidPropertyId",
            message: "Property id '\(text.prefix(300))' at path '\(link.property).id' of \(holder.typeAndName) is invalid. Expect the id of a "
                + "Microsoft.Network/\(link.type), which begins with '/subscriptions/'.",
            target: link.property)
    }

    /// 400: what is named is not there, or in another region.
    static func referenceNotFound(_ id: ResourceID, of holder: ResourceID) -> APIError {
        APIError(
            status: 400, code: "InvalidResourceReference",
            message: "Resource \(id.text) referenced by resource \(holder.text) was not found. Please make sure that the referenced resource "
                + "exists, and that both resources are in the same region.")
    }

    /// 400: what was given once stays.
    static func propertyFixed(_ property: String, of id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "PropertyChangeNotAllowed",
            message: "Changing property '\(property)' of \(id.typeAndName) is not allowed. Make another resource.", target: property)
    }

    // MARK: In use

    static func subnetInUse(_ id: ResourceID, by user: ResourceID) -> APIError {
        APIError(
            status: 400, code: "InUseSubnetCannotBeDeleted",
            message: "Subnet \(id.name) is in use by \(user.text) and cannot be deleted. In order to delete the subnet, delete all the resources "
                + "within the subnet.")
    }

    static func subnetAddressesInUse(_ id: ResourceID, _ address: String) -> APIError {
        APIError(
            status: 400, code: "InUseSubnetCannotBeUpdated",
            message: "Subnet \(id.name) is in use and cannot be updated: its new address prefix would leave out \(address), which a network interface has.")
    }

    static func securityGroupInUse(_ id: ResourceID, by users: [ResourceID]) -> APIError {
        APIError(
            status: 400, code: "InUseNetworkSecurityGroupCannotBeDeleted",
            message: "Network security group \(id.text) cannot be deleted because it is in use by the following resources: "
                + users.prefix(10).map(\.text).joined(separator: ", ") + (users.count > 10 ? ", …" : "")
                + ". In order to delete the Network security group, remove the association with the resource(s).")
    }

    static func publicAddressInUse(_ id: ResourceID, by user: ResourceID) -> APIError {
        APIError(
            status: 400, code: "PublicIPAddressCannotBeDeleted",
            message: "Public IP address \(id.text) can not be deleted since it is still allocated to resource \(user.text). In order to delete the "
                + "public IP, disassociate the Public IP address from the resource.")
    }

    static func publicAddressTaken(_ id: ResourceID, by user: ResourceID, wantedBy holder: ResourceID) -> APIError {
        APIError(
            status: 400, code: "PublicIPAddressInUse",
            message: "Resource \(holder.text) is referencing public IP address \(id.text) that is already allocated to resource \(user.text).")
    }

    static func interfaceInUse(_ id: ResourceID, by machine: ResourceID) -> APIError {
        APIError(
            status: 400, code: "NicInUse",
            message: "Network Interface \(id.text) is used by existing resource \(machine.text). In order to delete the network interface, or to give it to "
                + "another resource, it must be dissociated from the resource.")
    }
}
