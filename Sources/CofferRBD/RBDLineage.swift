import CofferModel

/// Two images with a common past, of which Ceph knows what was written since.
struct RBDLineage {
    private let pool: RBDPool
    private let images: [RBDImage]
    /// The image that both come from, and its snapshots that they are made of, the older first; nil for what the image is now.
    private let origin: String
    private let older: String
    private let newer: String?

    /// - Returns: nil unless both are made of one image, or `before` is made of `now`.
    init?(_ pool: RBDPool, _ now: RBDImage, _ before: RBDImage) throws(RBDFailure) {
        self.pool = pool
        guard let past = try before.parent() else { return nil }
        if past.image == now.name {
            (origin, older, newer, images) = (past.image, past.snapshot, nil, [before])
            return
        }
        guard let present = try now.parent(), present.image == past.image else { return nil }
        let order = try RBDImage(pool, past.image, .reading).snapshots()
        guard let first = order.firstIndex(of: past.snapshot), let second = order.firstIndex(of: present.snapshot) else { return nil }
        origin = past.image
        (older, newer) = first < second ? (past.snapshot, present.snapshot) : (present.snapshot, past.snapshot)
        images = [now, before]
    }

    /// Ranges, in no order, outside of which the two are the same.
    func candidates() throws(RBDFailure) -> [ByteRange] {
        let image = try RBDImage(pool, origin, snapshot: newer, .reading)
        var found = try image.written(0, image.size(), since: older, withParents: true, whole: false)
        for own in images { found += try own.written(0, own.size(), withParents: false, whole: false) }
        return found
    }
}
