# Independent reference for the fourteen parsimonious families: base R and mclust.
#
#   Rscript tests/reference/mixtures.R           # from the root of the repository, some minutes
#
# Reads dataset/wholesale_customers.csv and writes tests/reference/mixtures.json. Nothing in it is random.

suppressPackageStartupMessages(library(mclust))
customers <- read.csv(file.path("dataset", "wholesale_customers.csv"))
X <- log1p(as.matrix(customers[c("Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen")]))
X <- scale(X, center = TRUE, scale = FALSE)
X <- sweep(X, 2, sqrt(colMeans(X^2)), "/")  # population standard deviation
families <- mclust.options("emModelNames")

tight <- emControl(eps = .Machine$double.eps, tol = c(1e-13, 1e-13), itmax = c(100000, 10000))
tree <- hclust(dist(X), method = "ward.D2")
from_ward <- function(k) {
  z <- unmap(cutree(tree, k))
  sapply(families, function(f) {
    fit <- me(X, modelName = f, z = z, control = tight)
    if (is.null(fit$loglik)) NA else fit$loglik
  })
}
own <- function(k) {
  bic <- mclustBIC(X, G = k, modelNames = families, verbose = FALSE,
    control = emControl(tol = c(1e-10, 1e-10), itmax = c(20000, 1000)))
  setNames(-as.numeric(bic[1, families]), families)
}
parameters <- function(k) sapply(families, function(f) nMclustParams(f, ncol(X), k))
# proper in this project's sense: 7 customers in each component, eigenvalues within 1e4 of each other
proper <- function(k) sapply(families, function(f) {
  fit <- tryCatch(Mclust(X, G = k, modelNames = f, verbose = FALSE,
    control = emControl(tol = c(1e-10, 1e-10), itmax = c(20000, 1000))), error = function(e) NULL)
  if (is.null(fit)) return(FALSE)
  sigma <- fit$parameters$variance$sigma
  values <- apply(sigma, 3, function(s) eigen(s, symmetric = TRUE)$values)
  weights <- if (k == 1) 1 else fit$parameters$pro
  min(weights) * nrow(X) >= 7 && max(values) < 1e4 * min(values)
})

json <- function(x) {
  cells <- if (is.logical(x)) ifelse(x, "true", "false") else ifelse(is.finite(x), sprintf("%.15g", x), "null")
  paste0("{", paste0("\"", names(x), "\": ", cells, collapse = ", "), "}")
}
block <- function(name, f, ks) {
  paste0("  \"", name, "\": {\n", paste0("    \"", ks, "\": ", sapply(ks, function(k) json(f(k))), collapse = ",\n"),
    "\n  }")
}
writeLines(c("{",
  paste0("  \"versions\": {\"R\": \"", getRversion(), "\", \"mclust\": \"", packageVersion("mclust"), "\"},"),
  paste0("  \"settings\": \"loglik_from_ward: me() from Ward's partition, tol 1e-13; bic: mclustBIC from its ",
    "own start, tol 1e-10, sign turned so that lower is better; proper: that end, by this project's rule; ",
    "parameters: nMclustParams\","),
  paste0(block("loglik_from_ward", from_ward, 2:4), ","),
  paste0(block("bic", own, 1:6), ","),
  paste0(block("proper", proper, 1:6), ","),
  block("parameters", parameters, 1:6),
  "}"), file.path("tests", "reference", "mixtures.json"))
