import CofferModel

extension APIError {
    /// 400, the code is Coffer's: what would not be done, said rather than passed over.
    ///
    /// - Parameter what: The beginning of a sentence, with or without its verb.
    static func balancerNotServed(_ what: String, _ why: String, target: String) -> APIError {
        let verb = what.hasSuffix(" is") || what.hasSuffix(" are") ? "" : " is"
        return APIError(
            status: 400, code: "NotSupported", message: "\(what)\(verb) not supported: \(why). Load balancers carry TCP connections from public addresses.",
            target: target)
    }

    static func balancerProtocol(_ word: String, of id: ResourceID) -> APIError {
        balancerNotServed("The protocol \(word) of \(id.typeAndName)", "give 'Tcp', one rule for each port", target: "protocol")
    }

    /// 400, the code is Coffer's: a port would lead to two places.
    static func balancerPortsOverlap(_ name: String, _ other: String, _ port: UInt16, of id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "RulesUseSameFrontendPortProtocolAndVIP",
            message: "'\(name)' and '\(other)' of \(id.typeAndName) both use port \(port) of one frontend. Give one of them another port.", target: "frontendPort")
    }

    /// 400: a load balancer's sku is that of its addresses.
    static func balancerSKU(_ balancer: ResourceID, _ sku: PublicAddressSKU, _ address: ResourceID, _ other: PublicAddressSKU) -> APIError {
        APIError(
            status: 400, code: "PublicIPAndLBSkuDoNotMatch",
            message: "\(sku.rawValue) sku load balancer \(balancer.text) cannot reference \(other.rawValue) sku publicIP \(address.text). Give both the same sku.", target: "sku")
    }

    /// 400: something uses it.
    static func balancerInUse(_ id: ResourceID, _ part: ResourceID, by user: ResourceID) -> APIError {
        if let instance = user.parent?.parent, let set = instance.parent, set.isType("Microsoft.Compute/virtualMachineScaleSets") {
            return APIError(
                status: 400, code: "LoadBalancerInUseByVirtualMachineScaleSet",
                message: "Cannot delete load balancer \(id.text) since its child resources \(part.name) are in use by virtual machine scale set \(set.text). Delete that first.")
        }
        // The code is Coffer's.
        return APIError(
            status: 400, code: "InUseLoadBalancerCannotBeDeleted",
            message: "'\(part.name)' of \(id.typeAndName) cannot be deleted because \(user.text) uses it. Take it out of the network interface first.")
    }

    /// 400: a rule that leads to one interface is another's.
    static func addressRuleTaken(_ rule: ResourceID, by user: ResourceID, wantedBy holder: ResourceID) -> APIError {
        APIError(
            status: 400, code: "InboundNatRuleInUse",
            message: "Resource \(holder.text) is referencing inbound NAT rule \(rule.text) that leads to \(user.text) already. Take the rule out of that first, or make another.")
    }
}
