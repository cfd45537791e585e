"""What may run unasked: an exact list, name by name, of what is imported because a recipe or a metric says so.

What stands here does nothing but compute, as long as its parameters name nothing outside (`core.outward`). It is a list
and not a beginning of names: beside estimators a library holds what reads files, runs commands and evaluates texts.
"""

from __future__ import annotations


def _names(table: str) -> frozenset[str]:
    """`module:name` of each name; a line begins with its module, or goes on with the one above."""
    found, module = set(), ""
    for line in table.splitlines():
        before, colon, after = line.partition(":")
        module, names = (before.strip(), after) if colon else (module, line)
        found |= {f"{module}:{name}" for name in names.split()}
    return frozenset(found)


RECIPES = _names("""
    catboost: CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor
    catboost.core: CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor
    concours.entrants.adversaries: harden
    concours.entrants.agents.looking: GreedyAgent MinimaxAgent RandomAgent
    concours.entrants.agents.tabular: TabularAgent
    concours.entrants.agents.networks: ActorAgent DeepQAgent
    concours.entrants.agents.tree: TreeAgent
    concours.entrants.anomaly_detectors: ECOD IsolationDetector LOFDetector OneClassDetector RobustZ
    concours.entrants.anomaly_labelled: LabelledBoosting LabelledLogistic
    concours.entrants.anomaly_networks: AutoencoderDetector
    concours.entrants.anomaly_series: ForecastResidual NearestWindow PastAlarm PastForest PastSurprise
    concours.entrants.answerers: FrequentAnswer LikelyAnswer NearestAnswer
    concours.entrants.boosters: CatBoostClassifier CatBoostRegressor LightGBMClassifier LightGBMRegressor
        XGBoostClassifier XGBoostRegressor
    concours.entrants.coupled: EmbeddedPairs PretrainedPairs
    concours.entrants.embedded: EmbeddedClassifier
    concours.entrants.extractive: BoostedSummariser RidgeSummariser
    concours.entrants.extracts: LeadSummariser TextRankSummariser
    concours.entrants.forecast_arima: ArimaForecaster
    concours.entrants.forecast_deep: BlocksForecaster PatchForecaster
    concours.entrants.forecast_libraries: StatsForecaster
    concours.entrants.forecast_networks: DecomposedForecaster
    concours.entrants.clusters: AutoencoderGroups DensityGroups KMeansGroups MixtureGroups RandomCentres
    concours.entrants.survival: KaplanMeier
    concours.entrants.survival_libraries: BoostedHazards CoxModel CoxNet SurvivalForest
    concours.entrants.survival_networks: HazardNetwork
    concours.entrants.boosted_survival: XGBoostHazards
    concours.entrants.forecasting: BoostedForecaster RidgeForecaster SeasonalNaive
    concours.entrants.blobs: BlobDetector
    concours.entrants.centres: CentreDetector
    concours.entrants.coloured: ColourSegmenter ThresholdSegmenter TypicalMasks
    concours.entrants.filtered: PixelBoosting PixelForest
    concours.entrants.unet: UNetSegmenter
    concours.entrants.clip_networks: FrameLSTMClassifier VolumeClassifier
    concours.entrants.choosers: EvenChooser NearestChooser OverlapChooser
    concours.entrants.writers: NearestWriter SilentWriter TypicalWriter
    concours.entrants.hinge: PrimalSVC
    concours.entrants.language_models: GPTLanguageModel LSTMLanguageModel
    concours.entrants.ngrams: NgramModel
    concours.entrants.neural: ConvClassifier DenseClassifier DenseRegressor ResidualClassifier
        VisionTransformerClassifier
    concours.entrants.pauses: PauseRecogniser TypicalTranscript
    concours.entrants.population: ScheduledClassifier ScheduledRegressor
    concours.entrants.pretrained: PretrainedClassifier
    concours.entrants.pretrained_detectors: PretrainedDetector
    concours.entrants.pretrained_pictures: PretrainedImageClassifier
    concours.entrants.pretrained_speech: PretrainedRecogniser
    concours.entrants.pretrained_language: PretrainedLanguageModel
    concours.entrants.radial: RadialSVC RadialSVR
    concours.entrants.recognisers: ConformerRecogniser GRURecogniser
    concours.entrants.drawing: DiffusionSampler GanSampler VaeSampler
    concours.entrants.ridge: RidgeProbabilities
    concours.entrants.rating: BiasRater FactorRater NeighbourRater
    concours.entrants.recommending: LinearRecommender NeighbourRecommender PopularRecommender
    concours.entrants.recommending_libraries: ImplicitRecommender
    concours.entrants.recommending_networks: SessionRecommender TwoTowerRecommender
    concours.entrants.samplers: GaussianSampler IndependentPixels
    concours.entrants.sentences: CopyTranslator NearestTranslator
    concours.entrants.seq2seq: PretrainedSeq2Seq
    concours.entrants.rankers: CatBoostRanker EvenRanker LightGBMRanker PairwiseRanker PointwiseRanker XGBoostRanker
    concours.entrants.sequence_networks: SequenceConvClassifier SequenceConvRegressor SequenceLSTMClassifier
        SequenceLSTMRegressor SequenceTransformerClassifier SequenceTransformerRegressor
    concours.entrants.several: EachBoosted EachTarget
    concours.entrants.several_networks: DenseSeveral
    concours.entrants.tabular: TabularNetworkClassifier TabularNetworkRegressor TabularTransformerClassifier
        TabularTransformerRegressor
    concours.entrants.text_networks: EmbeddingBagClassifier TextTransformerClassifier
    concours.entrants.texts: NaiveBayesLogistic
    concours.entrants.trained_by_trainer: TrainerClassifier
    concours.entrants.translators: GRUTranslator TransformerTranslator
    concours.entrants.word_grams: WordModel
    concours.entrants.word_table: WordTableTranslator
    concours.entrants.typical: TypicalBoxes
    concours.entrants.windows: WindowDetector
    lightgbm: LGBMClassifier LGBMRanker LGBMRegressor
    lightgbm.sklearn: LGBMClassifier LGBMRanker LGBMRegressor
    sklearn.calibration: CalibratedClassifierCV
    sklearn.cluster: AffinityPropagation Birch BisectingKMeans KMeans MeanShift MiniBatchKMeans
    sklearn.compose: TransformedTargetRegressor
    sklearn.covariance: EllipticEnvelope
    sklearn.cross_decomposition: CCA PLSCanonical PLSRegression
    sklearn.discriminant_analysis: LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis
    sklearn.dummy: DummyClassifier DummyRegressor
    sklearn.ensemble: AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor
        ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier GradientBoostingRegressor
        HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest RandomForestClassifier
        RandomForestRegressor StackingClassifier StackingRegressor VotingClassifier VotingRegressor
    sklearn.ensemble._hist_gradient_boosting.gradient_boosting: HistGradientBoostingClassifier
        HistGradientBoostingRegressor
    sklearn.feature_selection: RFE RFECV
    sklearn.frozen: FrozenEstimator
    sklearn.gaussian_process: GaussianProcessClassifier GaussianProcessRegressor
    sklearn.isotonic: IsotonicRegression
    sklearn.kernel_ridge: KernelRidge
    sklearn.linear_model: ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars
        LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression LogisticRegression
        LogisticRegressionCV MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV
        OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PassiveAggressiveClassifier
        PassiveAggressiveRegressor Perceptron PoissonRegressor QuantileRegressor RANSACRegressor Ridge RidgeCV
        RidgeClassifier RidgeClassifierCV SGDClassifier SGDOneClassSVM SGDRegressor TheilSenRegressor
        TweedieRegressor
    sklearn.linear_model._glm.glm: GammaRegressor PoissonRegressor TweedieRegressor
    sklearn.mixture: BayesianGaussianMixture GaussianMixture
    sklearn.model_selection: FixedThresholdClassifier GridSearchCV HalvingGridSearchCV HalvingRandomSearchCV
        RandomizedSearchCV TunedThresholdClassifierCV
    sklearn.multiclass: OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier
    sklearn.multioutput: ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain
    sklearn.naive_bayes: BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB
    sklearn.neighbors: KNeighborsClassifier KNeighborsRegressor LocalOutlierFactor NearestCentroid
        RadiusNeighborsClassifier RadiusNeighborsRegressor
    sklearn.neural_network: MLPClassifier MLPRegressor
    sklearn.pipeline: Pipeline
    sklearn.semi_supervised: LabelPropagation LabelSpreading SelfTrainingClassifier
    sklearn.svm: LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR
    sklearn.tree: DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor
    xgboost: XGBClassifier XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor
    xgboost.sklearn: XGBClassifier XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor
""")
"""Classes of estimators that a recipe may name."""

PARTS = _names("""
    sklearn.cluster: AgglomerativeClustering DBSCAN FeatureAgglomeration HDBSCAN OPTICS SpectralBiclustering
        SpectralClustering SpectralCoclustering
    sklearn.cluster._hdbscan.hdbscan: HDBSCAN
    sklearn.compose: ColumnTransformer
    sklearn.covariance: EmpiricalCovariance GraphicalLasso GraphicalLassoCV LedoitWolf MinCovDet OAS
        ShrunkCovariance
    sklearn.cross_decomposition: PLSSVD
    sklearn.decomposition: DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA
        LatentDirichletAllocation MiniBatchDictionaryLearning MiniBatchNMF MiniBatchSparsePCA NMF PCA
        SparseCoder SparsePCA TruncatedSVD
    sklearn.ensemble: RandomTreesEmbedding
    sklearn.feature_extraction: DictVectorizer FeatureHasher
    sklearn.feature_extraction.image: PatchExtractor
    sklearn.feature_extraction.text: CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer
    sklearn.feature_selection: GenericUnivariateSelect SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest
        SelectPercentile SequentialFeatureSelector VarianceThreshold
    sklearn.gaussian_process.kernels: CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation
        Matern PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel
    sklearn.impute: IterativeImputer KNNImputer MissingIndicator SimpleImputer
    sklearn.kernel_approximation: AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler
        SkewedChi2Sampler
    sklearn.manifold: ClassicalMDS Isomap LocallyLinearEmbedding MDS SpectralEmbedding TSNE
    sklearn.model_selection: GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut
        LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold
        StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit
    sklearn.neighbors: KNeighborsTransformer KernelDensity NearestNeighbors NeighborhoodComponentsAnalysis
        RadiusNeighborsTransformer
    sklearn.neural_network: BernoulliRBM
    sklearn.pipeline: FeatureUnion
    sklearn.preprocessing: Binarizer FunctionTransformer KBinsDiscretizer KernelCenterer LabelBinarizer
        LabelEncoder MaxAbsScaler MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder OrdinalEncoder
        PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler SplineTransformer StandardScaler
        TargetEncoder
    sklearn.random_projection: GaussianRandomProjection SparseRandomProjection
    torch.nn: AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
        AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BatchNorm1d BatchNorm2d BatchNorm3d
        Bilinear CELU ChannelShuffle CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d
        ConstantPad3d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d CosineSimilarity
        CrossMapLRN2d Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag FeatureAlphaDropout
        Flatten Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU GRU GRUCell GroupNorm Hardshrink
        Hardsigmoid Hardswish Hardtanh Identity InstanceNorm1d InstanceNorm2d InstanceNorm3d LPPool1d LPPool2d
        LPPool3d LSTM LSTMCell LayerNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d
        LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d
        LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear LeakyReLU Linear LocalResponseNorm LogSigmoid
        LogSoftmax MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish ModuleList
        MultiheadAttention PReLU PairwiseDistance PixelShuffle PixelUnshuffle RMSNorm RNN RNNCell RReLU ReLU
        ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d
        SELU Sequential SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink Softsign SyncBatchNorm Tanh
        Tanhshrink Threshold Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder
        TransformerEncoderLayer Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d
        ZeroPad2d ZeroPad3d
""")
"""Classes that a part of an estimator may be, beside those of `RECIPES`: they prepare, split, compare, are layers."""

FUNCTIONS = _names("""
    numpy: abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
        atan2 atanh bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or
        bitwise_right_shift bitwise_xor cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod
        equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal
        heaviside hypot invert isfinite isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p
        log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul matvec maximum minimum
        mod modf multiply negative nextafter not_equal positive pow power rad2deg radians reciprocal remainder
        right_shift rint sign signbit sin sinh spacing sqrt square subtract tan tanh true_divide trunc vecdot
        vecmat
    scipy.special: agm airy airye bdtr bdtrc bdtri bdtrik bdtrin bei beip ber berp besselpoly beta betainc
        betaincc betainccinv betaincinv betaln binom boxcox boxcox1p btdtria btdtrib cbrt chdtr chdtrc chdtri
        chdtriv chndtr chndtridf chndtrinc chndtrix cosdg cosm1 cotdg dawsn digamma ellipe ellipeinc ellipj
        ellipk ellipkinc ellipkm1 elliprc elliprd elliprf elliprg elliprj entr erf erfc erfcinv erfcx erfi
        erfinv eval_chebyc eval_chebys eval_chebyt eval_chebyu eval_gegenbauer eval_genlaguerre eval_hermite
        eval_hermitenorm eval_jacobi eval_laguerre eval_legendre eval_sh_chebyt eval_sh_chebyu eval_sh_jacobi
        eval_sh_legendre exp1 exp10 exp2 expi expit expm1 expn exprel fdtr fdtrc fdtri fdtridfd fresnel gamma
        gammainc gammaincc gammainccinv gammaincinv gammaln gammasgn gdtr gdtrc gdtria gdtrib gdtrix hankel1
        hankel1e hankel2 hankel2e huber hyp0f1 hyp1f1 hyp2f1 hyperu i0 i0e i1 i1e inv_boxcox inv_boxcox1p
        it2i0k0 it2j0y0 it2struve0 itairy iti0k0 itj0y0 itmodstruve0 itstruve0 iv ive j0 j1 jn jv jve k0 k0e k1
        k1e kei keip kelvin ker kerp kl_div kn kolmogi kolmogorov kv kve log1p log_expit log_ndtr
        log_wright_bessel loggamma logit lpmv mathieu_a mathieu_b mathieu_cem mathieu_modcem1 mathieu_modcem2
        mathieu_modsem1 mathieu_modsem2 mathieu_sem modfresnelm modfresnelp modstruve nbdtr nbdtrc nbdtri
        nbdtrik nbdtrin ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf nctdtrinc nctdtrit ndtr
        ndtri ndtri_exp nrdtrimn nrdtrisd obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv
        owens_t pbdv pbvv pbwa pdtr pdtrc pdtri pdtrik poch powm1 pro_ang1 pro_ang1_cv pro_cv pro_rad1
        pro_rad1_cv pro_rad2 pro_rad2_cv pseudo_huber psi radian rel_entr rgamma round shichi sici sindg smirnov
        smirnovi spence stdtr stdtridf stdtrit struve tandg tklmbda voigt_profile wofz wright_bessel wrightomega
        xlog1py xlogy y0 y1 yn yv yve zetac
    sklearn.feature_selection: chi2 f_classif f_regression mutual_info_classif mutual_info_regression
        r_regression
    sklearn.metrics.pairwise: additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity
        euclidean_distances haversine_distances laplacian_kernel linear_kernel manhattan_distances
        nan_euclidean_distances polynomial_kernel rbf_kernel sigmoid_kernel
""")
"""Functions that only compute, of arrays."""

TYPES = _names("""
    builtins: bool float int object str
    numpy: bool bool_ double float16 float32 float64 half int16 int32 int64 int8 int_ intc intp longlong object_
        short single str_ uint uint16 uint32 uint64 uint8
""")
"""Classes that stand for themselves in a parameter."""

METRICS = _names("""
    sklearn.metrics: accuracy_score adjusted_mutual_info_score adjusted_rand_score average_precision_score
        balanced_accuracy_score brier_score_loss cohen_kappa_score completeness_score d2_absolute_error_score
        d2_brier_score d2_log_loss_score d2_pinball_score d2_tweedie_score explained_variance_score f1_score
        fbeta_score fowlkes_mallows_score hamming_loss hinge_loss homogeneity_score jaccard_score log_loss
        matthews_corrcoef max_error mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance
        mean_pinball_loss mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance
        median_absolute_error mutual_info_score normalized_mutual_info_score precision_score r2_score rand_score
        recall_score roc_auc_score root_mean_squared_error root_mean_squared_log_error top_k_accuracy_score
        v_measure_score zero_one_loss
""")
"""Functions of true and predicted labels or values."""
