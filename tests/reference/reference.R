# Independent reference for the clustering evidence: only base R, mclust, cluster and fpc.
#
#   Rscript tests/reference/reference.R          # from the root of the repository
#
# Reads dataset/wholesale_customers.csv and writes tests/reference/reference.json. One process, some minutes.
# Each section sets its own seed, so sections can be changed or left out without disturbing the others.

root <- c(commandArgs(trailingOnly = TRUE), ".")[1]
suppressPackageStartupMessages({
  library(mclust)
  library(cluster)
  library(fpc)
})
options(warn = 1)
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
SEED <- 20130101
say <- function(...) message(sprintf("[%4.0f s] ", proc.time()[["elapsed"]]), ...)

# ---- JSON ----------------------------------------------------------------------------------------------

json <- function(x, indent = "") {
  deeper <- paste0(indent, "  ")
  wrap <- function(open, items, close) {
    paste0(open, "\n", paste0(deeper, items, collapse = ",\n"), "\n", indent, close)
  }
  if (is.null(x)) return("null")
  if (is.list(x) && !is.null(names(x))) {
    return(wrap("{", paste0("\"", names(x), "\": ", vapply(x, json, "", indent = deeper)), "}"))
  }
  if (is.list(x)) return(wrap("[", vapply(x, json, "", indent = deeper), "]"))
  cells <- if (is.character(x)) paste0("\"", gsub("\"", "\\\"", x, fixed = TRUE), "\"")
    else if (is.logical(x)) ifelse(is.na(x), "null", ifelse(x, "true", "false"))
    else ifelse(is.finite(x), sprintf("%.15g", x), "null")
  if (inherits(x, "AsIs") || length(x) != 1) paste0("[", paste(cells, collapse = ", "), "]") else cells
}

by_k <- function(ks, f) setNames(lapply(ks, f), ks)
sizes <- function(labels) I(as.integer(table(labels)))

# ---- Data ----------------------------------------------------------------------------------------------

customers <- read.csv(file.path(root, "dataset", "wholesale_customers.csv"))
X <- log1p(as.matrix(customers[c("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")]))
X <- scale(X, center = TRUE, scale = FALSE)
X <- sweep(X, 2, sqrt(colMeans(X^2)), "/")  # population standard deviation: divide by n, not by n - 1
X <- matrix(X, nrow(X), dimnames = list(NULL, colnames(X)))
n <- nrow(X)
d <- ncol(X)
stopifnot(n == 440, d == 6, all(abs(colMeans(X)) < 1e-12), all(abs(colMeans(X^2) - 1) < 1e-12))
D <- dist(X)

# ---- K-Means and Ward: inertia and silhouettes ---------------------------------------------------------

KMEANS_STARTS <- 1000  # at k = 8 and 9 about one start in a hundred finds the optimum; 100 starts missed it
say("k-means and Ward")
set.seed(SEED)
kms <- by_k(1:9, function(k) kmeans(X, k, nstart = KMEANS_STARTS, iter.max = 100))
ward <- hclust(D, method = "ward.D2")
cuts <- by_k(2:8, function(k) cutree(ward, k))

silhouettes <- function(labels) {
  width <- silhouette(labels, D)[, "sil_width"]
  list(silhouette = mean(width), negative_silhouettes = sum(width < 0), sizes = sizes(labels))
}

# ---- Gap statistic -------------------------------------------------------------------------------------

say("gap statistic")
set.seed(SEED)
GAP_B <- 200
gap <- clusGap(X, FUNcluster = kmeans, K.max = 9, B = GAP_B, d.power = 2, spaceH0 = "scaledPCA",
  nstart = 25, iter.max = 100, verbose = FALSE)$Tab

# ---- Prediction strength -------------------------------------------------------------------------------

say("prediction strength")
set.seed(SEED)
strength <- prediction.strength(X, Gmin = 2, Gmax = 8, M = 100, clustermethod = kmeansCBI,
  classification = "centroid", cutoff = 0.8, runs = 10)

# ---- Gaussian mixtures ---------------------------------------------------------------------------------

TIGHT <- emControl(tol = c(1e-10, 1e-10), itmax = c(10000, 10000))
SAME_OPTIMUM <- 0.5
MODELS <- c(full = "VVV", tied = "EEE", diag = "VVI", spherical = "VII")

# Proper as in the project: at least d + 1 effective customers in every component, and the eigenvalues of
# all component covariances within a factor of 10^4 of each other.
describe <- function(fit) {
  G <- fit$G
  spread <- apply(fit$parameters$variance$sigma, 3, function(S) eigen(S, TRUE, TRUE)$values)
  pro <- if (G == 1) 1 else fit$parameters$pro
  ratio <- max(spread) / min(spread)
  list(
    bic = 2 * fit$loglik - nMclustParams(fit$modelName, d, G) * log(n),
    loglik = fit$loglik,
    parameters = nMclustParams(fit$modelName, d, G),
    smallest_component = min(pro) * n,
    eigenvalue_ratio = ratio,
    proper = min(pro) * n >= d + 1 && ratio < 1e4
  )
}

say("mclust, its own start")
hc_pairs <- hc(X)  # the start Mclust() and mclustBIC() use by default
own_start <- mclustBIC(X, G = 1:8, modelNames = unname(MODELS), initialization = list(hcPairs = hc_pairs),
  verbose = FALSE, warn = FALSE)
mclust_table <- lapply(MODELS, function(model) by_k(1:8, function(G) {
  fit <- Mclust(X, G = G, modelNames = model, control = TIGHT, initialization = list(hcPairs = hc_pairs),
    verbose = FALSE, warn = FALSE)
  described <- if (is.null(fit)) list(bic = NA_real_) else describe(fit)
  names(described)[1] <- "bic_converged"
  c(list(bic = own_start[as.character(G), model]), described)
}))

# Many starts for the full model: each is a hard partition, handed to EM's M-step.
nearest <- function(centres) {
  max.col(-apply(centres, 1, function(centre) colSums((t(X) - centre)^2)), ties.method = "first")
}
STARTS <- list(
  kmeans_one_start = function(G) kmeans(X, G, nstart = 1, iter.max = 100)$cluster,
  kmeans_of_60_customers = function(G) nearest(kmeans(X[sample(n, 60), ], G, iter.max = 100)$centers),
  nearest_of_random_customers = function(G) nearest(X[sample(n, G), , drop = FALSE]),
  random_partition = function(G) sample(rep_len(seq_len(G), n))
)
EACH <- 75

full_optimum <- function(G) {
  say("mixture of ", G, " from many starts")
  set.seed(SEED)
  ends <- do.call(rbind, lapply(rep(names(STARTS), each = EACH), function(kind) {
    labels <- STARTS[[kind]](G)
    fit <- me(X, modelName = "VVV", z = unmap(labels, groups = seq_len(G)), control = TIGHT, warn = FALSE)
    if (!is.finite(fit$loglik)) return(data.frame(kind = kind, bic = NA, proper = FALSE, fit = I(list(NULL))))
    its <- describe(fit)
    data.frame(kind = kind, bic = its$bic, proper = its$proper, fit = I(list(fit)))
  }))
  best <- which.max(ifelse(ends$proper, ends$bic, -Inf))
  fit <- ends$fit[[best]]
  reached <- ends$proper & ends$bic > ends$bic[best] - SAME_OPTIMUM
  improper <- ends$bic[!is.na(ends$bic) & !ends$proper]
  order_ <- order(fit$parameters$pro)
  list(
    summary = c(describe(fit), list(
      weights = fit$parameters$pro[order_],
      means = unname(lapply(order_, function(j) unname(fit$parameters$mean[, j]))),
      sizes = sizes(map(fit$z))[order_],
      starts = nrow(ends),
      reached = sum(reached),
      reached_by_start = as.list(tapply(reached, factor(ends$kind, names(STARTS)), sum)),
      singular = sum(is.na(ends$bic)),
      improper = length(improper),
      best_improper_bic = if (length(improper)) max(improper) else NA_real_
    )),
    fit = fit
  )
}
full <- by_k(2:3, full_optimum)

# ---- Hierarchy -----------------------------------------------------------------------------------------

say("hierarchy")
METHODS <- c(ward = "ward.D2", average = "average", complete = "complete", single = "single")
cophenetic_correlations <- lapply(METHODS, function(method) {
  cor(as.vector(D), as.vector(cophenetic(hclust(D, method = method))))
})

# ---- Bootstrap stability -------------------------------------------------------------------------------

BOOT_B <- 200
stability <- function(...) {
  boot <- clusterboot(X, B = BOOT_B, bootmethod = "boot", multipleboot = FALSE, dissolution = 0.5,
    recover = 0.75, count = FALSE, seed = SEED, ...)
  list(
    result = list(
      sizes = sizes(boot$partition),
      bootmean = boot$bootmean,
      boot_sd = apply(boot$bootresult, 1, sd),
      bootbrd = boot$bootbrd,
      bootrecover = boot$bootrecover
    ),
    partition = boot$partition
  )
}
say("bootstrap, k-means")
kmeans_boot <- stability(clustermethod = kmeansCBI, k = 3, runs = 25)
say("bootstrap, Ward")
ward_boot <- stability(clustermethod = hclustCBI, k = 3, cut = "number", method = "ward.D2", scaling = FALSE)

# The mixture: every refit starts EM from the parameters of the kept optimum; labels are the most probable.
say("bootstrap, mixture")
refits <- list()
mixtureCBI <- function(data, parameters) {
  fit <- em(data, modelName = "VVV", parameters = parameters, control = TIGHT, warn = FALSE)
  stopifnot(is.finite(fit$loglik))
  n_of <- nrow(data)
  spread <- apply(fit$parameters$variance$sigma, 3, function(S) eigen(S, TRUE, TRUE)$values)
  refits[[length(refits) + 1]] <<- min(fit$parameters$pro) * n_of >= d + 1 && max(spread) / min(spread) < 1e4
  labels <- max.col(fit$z, ties.method = "first")
  list(result = fit, nc = 3, clusterlist = lapply(1:3, function(j) labels == j), partition = labels,
    clustermethod = "mixture")
}
mixture_boot <- stability(clustermethod = mixtureCBI, parameters = full[["3"]]$fit$parameters)
stopifnot(length(refits) == BOOT_B + 1)

# ---- Agreement -----------------------------------------------------------------------------------------

labels <- list(kmeans = kms[["3"]]$cluster, ward = cuts[["3"]], gmm = map(full[["3"]]$fit$z),
  channel = customers$Channel, region = customers$Region)
same_partition <- function(a, b) adjustedRandIndex(a, b) == 1
stopifnot(
  same_partition(kmeans_boot$partition, labels$kmeans),
  same_partition(ward_boot$partition, labels$ward),
  same_partition(mixture_boot$partition, labels$gmm)
)
pairs_of <- combn(names(labels), 2, simplify = FALSE)
pairs_of <- Filter(function(p) !identical(p, c("channel", "region")), pairs_of)
agreement <- setNames(lapply(pairs_of, function(p) adjustedRandIndex(labels[[p[1]]], labels[[p[2]]])),
  vapply(pairs_of, paste, "", collapse = "_"))

# ---- Output --------------------------------------------------------------------------------------------

result <- list(
  versions = c(
    list(R = paste(R.version$major, R.version$minor, sep = ".")),
    lapply(setNames(nm = c("mclust", "cluster", "fpc")), function(p) as.character(packageVersion(p)))
  ),
  seed = SEED,
  data = list(customers = n, columns = colnames(X),
    matrix = "log1p, then standardized with the population standard deviation (divide by n)"),
  kmeans = list(
    settings = paste0("stats::kmeans (Hartigan-Wong), nstart = ", KMEANS_STARTS,
      ", iter.max = 100; cluster::silhouette, Euclidean"),
    inertia = lapply(kms, function(km) km$tot.withinss),
    partitions = lapply(kms[as.character(2:8)], function(km) silhouettes(km$cluster))
  ),
  ward = list(
    settings = "stats::hclust(method = 'ward.D2') on Euclidean distances, cutree",
    partitions = lapply(cuts, silhouettes),
    top_heights = rev(tail(ward$height, 10))
  ),
  gap = list(
    settings = paste("cluster::clusGap, kmeans nstart = 25, iter.max = 100, d.power = 2,",
      "spaceH0 = 'scaledPCA' (box along the principal axes of the centred, unscaled matrix)"),
    note = paste("logW and E.logW are of W/2: clusGap's W is half the within-cluster sum of squares,",
      "so add log(2); gap is unaffected. SE.sim = sqrt(1 + 1/B) * sd with divisor B - 1 (the paper: B).",
      "tibshirani_k: smallest k with gap(k) >= gap(k+1) - SE.sim(k+1)."),
    B = GAP_B,
    k = 1:9,
    logW = gap[, "logW"], E.logW = gap[, "E.logW"], gap = gap[, "gap"], SE.sim = gap[, "SE.sim"],
    tibshirani_k = maxSE(gap[, "gap"], gap[, "SE.sim"], method = "Tibs2001SEmax")
  ),
  prediction_strength = list(
    settings = paste("fpc::prediction.strength, M = 100 random halvings, kmeansCBI runs = 10,",
      "classification = 'centroid', cutoff = 0.8"),
    note = paste("Per halving: the mean over both directions of the minimum over clusters; a cluster of one",
      "has strength 1. sd is over the halvings."),
    M = 100,
    k = 2:8,
    mean.pred = strength$mean.pred[2:8],
    sd = vapply(2:8, function(k) sd(strength$predcorr[[k]]), 0),
    optimal_k = strength$optimalk
  ),
  mixtures = list(
    settings = paste("mclust's own start: model-based hierarchical clustering,",
      mclust.options("hcModelName"), "on", mclust.options("hcUse"), "of the matrix.",
      "bic: EM stopped at mclust's default tolerance; bic_converged and what follows: at 1e-10"),
    note = paste("mclust's sign: BIC = 2 loglik - parameters * log(n), higher is better;",
      "scikit-learn's is the negative of it. No ridge is added to the covariances (scikit-learn: 1e-6)."),
    mclust_start = mclust_table
  ),
  full_optimum = c(
    list(
      settings = paste("mclust::me(modelName = 'VVV') from", EACH * length(STARTS), "hard partitions,", EACH,
        "of each kind, tol 1e-10; of the proper ends the one of highest BIC (mclust's sign)"),
      note = paste("proper: smallest component >= 7 effective customers, and largest eigenvalue of all",
        "component covariances < 1e4 times the smallest. reached: proper, within 0.5 of the best BIC. singular:",
        "EM stopped at a singular covariance or an empty component. Components by ascending weight.")
    ),
    lapply(full, `[[`, "summary")
  ),
  cophenetic = cophenetic_correlations,
  stability = list(
    settings = paste("fpc::clusterboot, bootmethod = 'boot', multipleboot = FALSE (the default: draws",
      "counted once, the refit is on the distinct customers). kmeans: kmeansCBI k = 3, runs = 25; ward: hclustCBI,",
      "ward.D2, scaling = FALSE; gmm: mclust::em VVV from the parameters of the optimum above"),
    note = "bootbrd counts Jaccard <= 0.5, bootrecover counts Jaccard > 0.75; boot_sd is over the resamples.",
    B = BOOT_B,
    kmeans = kmeans_boot$result,
    ward = ward_boot$result,
    gmm = c(mixture_boot$result, list(improper_refits = sum(!unlist(refits[-1]))))
  ),
  adjusted_rand = agreement
)
writeLines(json(result), file.path(root, "tests", "reference", "reference.json"))
say("done")
